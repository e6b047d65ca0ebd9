/** A Commit that changes the store and keeps what the record would say, for tests of services without a gate. */
import type { AuditDraft, Call } from "../call.js";
import type { Commit } from "../gate/transact.js";
import type { Store } from "../store/store.js";

/** What a committed change said of itself. */
export type CommittedChange = Pick<AuditDraft, "resource" | "notes"> & Pick<Call, "principal" | "credential">;

/** Runs work in a transaction of the store; `changes` holds one entry for each that was committed. */
export function createDirectCommit(store: Store): { readonly commit: Commit; readonly changes: CommittedChange[] } {
  const changes: CommittedChange[] = [];
  return {
    changes,
    async commit(call, work) {
      if (call.recorded !== "not yet") throw new Error("a call committed twice");
      const noted = call.audit.notes.length;
      const result = await store.transact((tx) => {
        call.audit.notes.length = noted;
        return work(tx);
      });
      call.recorded = "done";
      changes.push({ resource: call.audit.resource, notes: [...call.audit.notes], principal: call.principal, credential: call.credential });
      return result;
    },
  };
}
