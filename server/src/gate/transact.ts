/** A change of the store together with its audit record and its idempotency claim, in one transaction. */
import type { Message } from "@bufbuild/protobuf";
import type { Call } from "../call.js";
import type { Transaction } from "../store/store.js";

/** `grows`: a change that is refused when the store is full (STORE_UNAVAILABLE). All others go on, out of the room that is kept for them. */
export type Growth = "grows";

/**
 * Runs a handler's change. The record of the call is appended in the same transaction, so `work` must have set
 * `call.audit` before it returns; after it resolves, change and record are durable. Use it once a call, for every
 * change a handler makes to the store (RecordPhase PROGRESS parts of an import go through `commitPart`).
 */
export interface Commit {
  <T extends Message>(call: Call, work: (tx: Transaction) => T, growth?: Growth): Promise<T>;
}

/** Like Commit, for one part of a longer call: appends a PROGRESS record with these notes, not the call's terminal one. */
export interface CommitPart {
  <T>(call: Call, notes: (result: T) => readonly { name: string; value: string }[], work: (tx: Transaction) => T, growth?: Growth): Promise<T>;
}
