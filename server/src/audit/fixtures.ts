/** Facts and logs that the tests of the audit log share. */
import { CredentialKind, Decision, Protocol, RecordPhase } from "@parapet/contract/parapet/audit/v1/audit_record_pb";
import { createMemoryStore } from "../store/memory.js";
import type { Store } from "../store/store.js";
import { type AuditLog, createAuditLog } from "./log.js";
import { createSealer } from "./seal.js";
import type { AuditFacts } from "./sink.js";

/** Facts of an ordinary successful call, with what a test wants otherwise. */
export function factsWith(changes: Partial<AuditFacts> = {}): AuditFacts {
  return {
    tenant: "default",
    actorId: "usr_1",
    credentialKind: CredentialKind.TOKEN,
    credentialId: "jti-1",
    action: "document.add",
    method: "parapet.document.v1.DocumentService/AddDocument",
    resource: "collections/blog/documents/hello",
    collection: "blog",
    key: "hello",
    decision: Decision.ALLOW,
    rule: "write on blog",
    outcomeCode: 0,
    reason: "",
    protocol: Protocol.GRPC,
    requestId: "req-1",
    traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
    notes: [],
    phase: RecordPhase.UNSPECIFIED,
    actorName: "Ada",
    clientIp: "203.0.113.7",
    userAgent: "curl/8.5",
    ...changes,
  };
}

/** Bytes that count up, so that sealed parts are alike in every run. */
export function countingBytes(): (length: number) => Uint8Array {
  let next = 0;
  return (length) => Uint8Array.from({ length }, () => next++ & 0xff);
}

/** A log with a clock that the test sets. */
export interface TestLog {
  readonly store: Store;
  readonly log: AuditLog;
  /** Nanoseconds since 1970. */
  time: bigint;
}

/** 1 March 2026, 12:00:00.000000001 UTC. */
export const noonNs = 1_772_366_400_000_000_001n;

/** A log in memory. */
export function createTestLog(store: Store = createMemoryStore(), masterKey = new Uint8Array(32).fill(9)): TestLog {
  const test: TestLog = { store, log: createAuditLog({ store, sealer: createSealer({ masterKey }), nowNs: () => test.time }), time: noonNs };
  return test;
}
