/** Step: reads the audit trail of what the demo did, and prints it. */
import type { AuditEntry, ListAuditRecordsRequest } from "@parapet/sdk";
import { renderTable } from "../../text/table.js";
import { claim, claimSame } from "../claims.js";
import { collection, type NotedRefusal, secondsOf, type StepResult, type World } from "../world.js";
import type { Refusals } from "./refuse.js";

/** Counted records are written once a second; so long they are waited for, in milliseconds. */
const countedWaitMs = 10_000;
const pollMs = 250;

/** Protocols as records name them. */
const recordedProtocols: Readonly<Record<string, string>> = {
  gRPC: "PROTOCOL_GRPC",
  "gRPC-Web": "PROTOCOL_GRPC_WEB",
  Connect: "PROTOCOL_CONNECT",
  REST: "PROTOCOL_REST",
};

/** Runs it. */
export async function readTrail(world: World, { noted, burst }: Refusals): Promise<readonly StepResult[]> {
  const { documents, hasty, say } = world;
  const shown: AuditEntry[] = [];
  let read = 0;
  const seconds = await secondsOf(async () => {
    const added = await records(world, { action: "document.add", result: "success", collection });
    claim(added.length === documents.length, `each of ${documents.length} documents has exactly one record`, added.length);
    claimSame(new Set(added.map(({ key }) => key)), new Set(documents.map(({ key }) => key)), "records name the documents that were added");
    read += added.length;
    shown.push(...added.slice(0, 4).reverse());

    for (const refusal of noted) shown.push(await recordOf(world, refusal));
    read += noted.length;

    const counted = await countedRefusals(world, hasty.username, burst.refused);
    shown.push(...counted.toReversed());
    read += counted.length;
  });
  say(`\naudit trail: ${documents.length} documents added, one record each; the last of them, and what was refused`);
  say(renderTable(columns, shown));
  return [{ what: "audit records found and compared", protocol: "Connect", count: read, seconds }];
}

const columns = [
  { title: "record", text: ({ sequence }: AuditEntry) => String(sequence), right: true },
  { title: "time", text: ({ time }: AuditEntry) => (time ?? "").slice(11, 23) },
  { title: "actor", text: ({ actor }: AuditEntry) => actor || "(anonymous)" },
  { title: "action", text: ({ action }: AuditEntry) => action },
  { title: "protocol", text: ({ protocol }: AuditEntry) => String(protocol).replace("PROTOCOL_", "") },
  { title: "result", text: ({ result }: AuditEntry) => result },
  { title: "reason or key", text: ({ reason, key }: AuditEntry) => reason || key },
  { title: "calls", text: ({ count }: AuditEntry) => String(callsBehind(count)), right: true },
];

/** The one record of a refused call. */
async function recordOf(world: World, { what, protocol, requestId, code, reason }: NotedRefusal): Promise<AuditEntry> {
  const found = await records(world, { requestId });
  claim(found.length === 1, `${what} over ${protocol} has exactly one record`, found.length);
  const record = found[0]!;
  claimSame(
    { result: record.result, code: record.code, reason: record.reason, protocol: record.protocol },
    { result: "denied", code, reason, protocol: recordedProtocols[protocol] },
    `record of ${what} over ${protocol}`,
  );
  return record;
}

/** Records of a burst's refusals; together they stand for all of them. */
async function countedRefusals(world: World, actor: string, refused: number): Promise<readonly AuditEntry[]> {
  const endMs = performance.now() + countedWaitMs;
  for (;;) {
    const denied = await records(world, { actor, result: "denied" });
    const found = denied.filter(({ reason }) => reason === "RATE_LIMITED");
    const calls = found.reduce((sum, { count }) => sum + callsBehind(count), 0);
    if (calls === refused) return found;
    claim(calls < refused && performance.now() < endMs, `records stand for all ${refused} refusals of the burst`, calls);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

/** How many calls stand behind a record: 0 and 1 mean one. */
function callsBehind(count: AuditEntry["count"]): number {
  return Math.max(1, Number(count ?? 0));
}

/** All records that match, newest first. */
async function records({ admin }: World, filter: ListAuditRecordsRequest): Promise<AuditEntry[]> {
  const found: AuditEntry[] = [];
  for await (const entry of admin.audit.listAuditRecords({ ...filter, limit: 1000 })) found.push(entry);
  return found;
}
