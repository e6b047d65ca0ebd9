/** What handlers do, told over REST as over Connect: the outcome, the reason, what was added, the record. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { fromBinary, type JsonObject } from "@bufbuild/protobuf";
import { ErrorInfoSchema } from "@parapet/contract/google/rpc/error_details_pb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { methodOf } from "../../conformance/src/contract.js";
import { behaviours } from "./behaviours.js";
import { draftOf, sentOf, shapes } from "./draft.js";
import type { Arrived, Sent } from "./exchanged.js";
import { type HandlerSide, openHandlers } from "./handler-pair.js";

let pair: readonly [HandlerSide, HandlerSide];
let side: HandlerSide;
beforeAll(async () => {
  pair = await openHandlers(() => ({
    get: ({ key }, context) => behaviours[key]!(context) as never,
    add: async ({ key }, context) => {
      await nextTurn();
      return behaviours[key]!(context) as never;
    },
    async *export() {
      yield { document: { key: "first" } };
      yield behaviours["answers-what-json-has-not"]!(undefined as never) as never;
      yield { document: { key: "never" } };
    },
  }));
  [, side] = pair;
});
afterAll(async () => {
  await Promise.all(pair.map((each) => each.close()));
});

const connectJson = shapes.find(({ name }) => name === "connect-json")!;
const json = (path: string, verb: string, body: JsonObject | undefined, id: string): Sent => ({
  verb,
  path,
  headers: [["x-request-id", id], ...(body === undefined ? [] : [["content-type", "application/json"] as const])],
  body: body === undefined ? undefined : Buffer.from(JSON.stringify(body)),
  delivery: "declared",
});
/** Without a body there is nothing to wait for; with one the answer is made in an event of its stream. */
const routes: readonly (readonly [route: string, method: string, sent: (key: string, id: string) => Sent])[] = [
  ["GET documents", "DocumentService/Get", (key, id) => json(`/v1/collections/docs/documents/${key}`, "GET", undefined, id)],
  ["POST get", "DocumentService/Get", (key, id) => json("/v1/get", "POST", { collection: "docs", key }, id)],
  ["POST add", "DocumentService/Add", (key, id) => json("/v1/add", "POST", { collection: "docs", key }, id)],
];

const own = new Set(["content-type", "content-length", "date", "connection", "keep-alive", "x-request-id", "cache-control", "x-content-type-options"]);

/** What the handler added; what Connect prefixes as a trailer is beside the headers. */
function addedOf({ headers }: Arrived): Record<string, string> {
  const added: Record<string, string> = {};
  const sorted = [...headers].sort(([a], [b]) => Number(a.startsWith("trailer-")) - Number(b.startsWith("trailer-")));
  for (const [given, value] of sorted) {
    const name = given.replace(/^trailer-/, "");
    // A large answer of REST says that it may come compressed.
    if (!own.has(given) && !(given === "vary" && value === "Accept-Encoding")) added[name] = added[name] === undefined ? value : `${added[name]}, ${value}`;
  }
  return added;
}

function outcomeOf({ status, body }: Arrived): unknown {
  const value = JSON.parse(body.toString()) as JsonObject | null;
  if (status === 200) return "ok";
  // A problem document, or the error of Connect.
  if (value!["details"] === undefined) return { code: value!["code"], message: value!["detail"], reason: value!["reason"], domain: value!["domain"], metadata: value!["metadata"] };
  const details = value!["details"] as { type: string; value: string }[];
  const infos = details.filter(({ type }) => type === "google.rpc.ErrorInfo").map((detail) => fromBinary(ErrorInfoSchema, Buffer.from(detail.value, "base64")));
  expect(infos).toHaveLength(1);
  const [{ reason, domain, metadata }] = infos as [(typeof infos)[number]];
  return { code: value!["code"], message: value!["message"], reason, domain, metadata };
}

describe.each(["h1", "h2"] as const)("REST over %s", (http) => {
  test.each(routes)("%s tells what handlers do as Connect does, and records it alike", { timeout: 60_000 }, async (route, method, sent) => {
    const contract = methodOf(method);
    for (const key of Object.keys(behaviours)) {
      // It tells what it was called with, which differs.
      if (key === "tells-its-context") continue;
      const ids = ["rest", "connect"].map((protocol) => `${protocol}.${http}.${route.replace(" ", "-")}.${key}`) as [string, string];
      const overRest = await side[http].exchange(sent(key, ids[0]));
      const overConnect = await side[http].exchange(sentOf(connectJson, draftOf(contract, { collection: "docs", key }), ids[1]));
      const tell = (arrived: Arrived): unknown => ({ key, outcome: outcomeOf(arrived), added: addedOf(arrived), id: arrived.headers.some(([name]) => name === "x-request-id") });
      expect(tell(overRest)).toEqual(tell(overConnect));
      const records = ids.map((id) => side.facts.filter(({ requestId }) => requestId === id).map(({ outcomeCode, reason, resource, decision }) => ({ outcomeCode, reason, resource, decision })));
      expect({ key, records: records[0] }).toEqual({ key, records: records[1] });
      expect(overRest.body.toString()).not.toContain("secret");
    }
  });

  test("an answer that JSON cannot hold is INTERNAL with a request id, and nothing else ends with it", async () => {
    const [, [, , sent]] = routes as [unknown, (typeof routes)[number]];
    const arrived = await side[http].exchange(sent("answers-what-json-has-not", `alone.${http}`));
    expect([arrived.status, (JSON.parse(arrived.body.toString()) as JsonObject)["reason"]]).toEqual([500, "INTERNAL"]);
    expect((await side[http].exchange(sent("answers", `after.${http}`))).status).toBe(200);
  });

  test("a stream whose second message JSON cannot hold ends with an error frame and one record", async () => {
    const id = `stream.${http}`;
    const arrived = await side[http].exchange(json("/v1/collections/docs/export", "GET", undefined, id));
    const lines = arrived.body.toString().trim().split("\n").map((line) => JSON.parse(line) as JsonObject);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatchObject({ key: "first" });
    expect(lines[1]).toMatchObject({ error: { reason: "INTERNAL" } });
    expect((await side.recorded(id)).reason).toBe("INTERNAL");
    expect(side.facts.filter(({ requestId }) => requestId === id)).toHaveLength(1);
  });

  test("details of a handler's own are in the problem document: its reason, violations and wait", async () => {
    const [[, , sent]] = routes as [(typeof routes)[number]];
    const detailed = JSON.parse((await side[http].exchange(sent("throws-with-details", `details.${http}`))).body.toString()) as JsonObject;
    expect(detailed).toMatchObject({ reason: "OWN_REASON", domain: "example.org", metadata: { k: "v%" }, retryAfterMs: 3_000 });
    const violated = JSON.parse((await side[http].exchange(sent("throws-with-one-detail", `violation.${http}`))).body.toString()) as JsonObject;
    expect(violated["violations"]).toEqual([{ field: "key", description: "wrong", rule: "" }]);
  });
});
