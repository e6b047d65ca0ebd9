/** Servers whose audit log misses, repeats, invents or gives away. */
import { headerOf, type ProxiedRequest } from "../tampering-proxy.js";
import { answer, byAdmin, isLog, type Mutant, onRecords } from "./mutant.js";

const isChangeOf = ({ verb, path }: ProxiedRequest): boolean => verb === "DELETE" && path.startsWith("/v1/audit");

/** Broken servers of this area. */
export const auditMutants: readonly Mutant[] = [
  { id: "AU-01", what: "changes of documents are not in the log", tampering: () => onRecords((records) => records.filter(({ action }) => action !== "document.add")) },
  { id: "AU-01", what: "changes of documents are in the log twice", tampering: () => onRecords((records) => records.flatMap((record) => (record["action"] === "document.add" ? [record, record] : [record]))) },
  { id: "AU-02", what: "refusals are not in the log", tampering: () => onRecords((records) => records.filter(({ result }) => result !== "denied")), protocols: "connect-json/h1" },
  { id: "AU-02", what: "a counted record counts for one", tampering: () => onRecords((records) => records.map((record) => ({ ...record, count: "0" }))), protocols: "connect-json/h1" },
  { id: "AU-03", what: "records do not say from where", tampering: () => onRecords((records) => records.map((record) => (record["action"] === "document.add" ? { ...record, clientIp: "" } : record))) },
  { id: "AU-04", what: "one protocol writes other resources", tampering: () => onRecords((records) => records.map((record) => (record["protocol"] === "PROTOCOL_REST" ? { ...record, resource: String(record["resource"]).toUpperCase() } : record))) },
  {
    id: "AU-10",
    what: "the log holds credentials",
    tampering: () => {
      let seen = "";
      return {
        request: (request) => void (seen = headerOf(request, "x-api-key") ?? seen),
        ...onRecords((records) => records.map((record, index) => (index === 0 && seen !== "" ? { ...record, userAgent: seen } : record))),
      };
    },
  },
  { id: "AU-13", what: "a record is missing in the middle", tampering: () => onRecords((records) => (records.length > 10 ? records.toSpliced(5, 1) : records)) },
  { id: "AU-20", what: "everybody reads the log", tampering: () => byAdmin(isLog) },
  { id: "AU-21", what: "a header names the actor", tampering: () => {
    const names = new Map<string, string>();
    const named = onRecords((records) => records.map((record) => ({ ...record, actor: names.get(String(record["requestId"])) ?? record["actor"] })));
    return { ...named, request: (request) => void (headerOf(request, "x-actor") !== undefined && names.set(headerOf(request, "x-request-id") ?? "", headerOf(request, "x-actor")!)) };
  } },
  { id: "AU-05", what: "a record at the level of metadata holds the request", tampering: () => onRecords((records) => records.map((record) => (record["action"] === "auth.user.list" ? { ...record, details: [{ name: "request", value: "pageSize: 1" }] } : record))), protocols: "connect-json/h1" },
  { id: "AU-05", what: "a record at the level of the request does not hold it", tampering: () => onRecords((records) => records.map((record) => ({ ...record, details: [] }))), protocols: "connect-json/h1" },
  { id: "AU-06", what: "records are there a second later", tampering: () => onRecords((records) => records.filter(({ time }) => Date.parse(String(time)) < Date.now() - 1_000)), protocols: "connect-json/h1" },
  { id: "AU-12", what: "a line end in a key begins a line of the record", tampering: () => onRecords((records) => records.map((record) => (/%0D%0A|\r\n/i.test(String(record["resource"])) ? { ...record, resource: `${String(record["resource"])}\r\nforged` } : record))), protocols: "connect-json/h1" },
  { id: "AU-12", what: "a record of a forged outcome", tampering: () => onRecords((records) => records.map((record) => (String(record["key"]).includes("result") ? { ...record, code: "not_found" } : record))), protocols: "connect-json/h1" },
  { id: "AU-19", what: "the admin can delete records", tampering: () => ({ request: (request) => (isChangeOf(request) ? answer(200, {}) : undefined) }), protocols: "connect-json/h1" },
  { id: "AU-19", what: "a record changes once somebody tried to change it", tampering: () => {
    let tried = false;
    const changed = onRecords((records) => records.map((record) => (tried ? { ...record, result: "failure" } : record)));
    return { ...changed, request: (request) => void (tried ||= isChangeOf(request)) };
  }, protocols: "connect-json/h1" },
  { id: "AU-25", what: "a changed grant does not show what was before", tampering: () => onRecords((records) => records.map((record) => (record["action"] === "auth.permission.set" ? { ...record, details: [] } : record))), protocols: "connect-json/h1" },
];
