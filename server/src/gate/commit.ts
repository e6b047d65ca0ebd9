/** Commits a handler's change, its audit record and its idempotency claim as one transaction. */
import type { Message } from "@bufbuild/protobuf";
import { RecordPhase } from "@parapet/contract/parapet/audit/v1/audit_record_pb";
import type { TransactionalAuditSink } from "../audit/sink.js";
import type { Call, Recorded } from "../call.js";
import { fail, Failure, Reason } from "../errors.js";
import type { Room } from "../store/room.js";
import type { Store, Transaction } from "../store/store.js";
import type { Idempotency } from "./idempotency.js";
import { factsOfCall } from "./record.js";
import type { Commit, CommitPart, Growth } from "./transact.js";

/** What committing needs. */
export interface CommitOptions {
  readonly store: Store;
  readonly audit: TransactionalAuditSink;
  readonly idempotency: Idempotency;
  /** What room there is for changes that grow the store; absent: as much as they want. */
  readonly room?: Room | undefined;
}

/** Makes the two ways a handler changes the store. */
export function createCommit({ store, audit, idempotency, room }: CommitOptions): { commit: Commit; commitPart: CommitPart } {
  const append = (tx: Transaction, call: Call, phase: RecordPhase, notes: readonly { name: string; value: string }[]): void => {
    audit.append(tx, factsOfCall(call, undefined, phase, notes));
  };
  /** Runs a change that may not grow the store beyond its room. */
  const transact = async <T>(work: (tx: Transaction) => T, growth: Growth | undefined): Promise<T> => {
    if (growth === undefined || room === undefined) return store.transact(work);
    const claim = room.claim();
    try {
      return await store.transact((tx) => {
        const result = work(claim.over(tx));
        claim.take();
        return result;
      });
    } finally {
      claim.release();
    }
  };
  return {
    async commit<T extends Message>(call: Call, work: (tx: Transaction) => T, growth?: Growth): Promise<T> {
      if (call.recorded !== "not yet") throw new Error(`${call.plan.name} committed twice`);
      const { notes } = call.audit;
      const noted = notes.length;
      try {
        const result = await transact((tx) => {
          notes.length = noted;
          refuseIfAborted(call);
          idempotency.refuseIfClaimed(tx, call);
          const response = work(tx);
          append(tx, call, RecordPhase.UNSPECIFIED, notes);
          idempotency.claim(tx, call, response);
          // From here on a deadline has to wait for the outcome: the change may be there already.
          call.recorded = "in the transaction";
          return response;
        }, growth);
        call.recorded = "done";
        return result;
      } catch (cause) {
        if (recordedOf(call) === "in the transaction") call.recorded = "not yet";
        throw cause;
      }
    },
    commitPart(call, notesOf, work, growth) {
      return transact((tx) => {
        refuseIfAborted(call);
        const result = work(tx);
        append(tx, call, RecordPhase.PROGRESS, notesOf(result));
        return result;
      }, growth);
    },
  };
}

/** Asked anew: it changes while the transaction is waited for. */
function recordedOf(call: Call): Recorded {
  return call.recorded;
}

/** Throws CALL_CANCELLED or DEADLINE_PASSED if nobody waits for the answer any more. */
export function refuseIfAborted(call: Call): void {
  const ended = call.ended === undefined ? (call.signal.aborted ? abortFailure(call.signal) : undefined) : call.ended();
  if (ended !== undefined) throw ended;
}

/** Why a call was aborted: its deadline, or its caller. */
export function abortFailure(signal: AbortSignal): Failure {
  return signal.reason instanceof Failure ? signal.reason : fail(Reason.CALL_CANCELLED);
}
