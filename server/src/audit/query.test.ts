/** Queries find what matches, newest first, page by page, in the order of time. */
import { Decision, RecordPhase } from "@parapet/contract/parapet/audit/v1/audit_record_pb";
import { beforeAll, describe, expect, it } from "vitest";
import { fail, Reason } from "../errors.js";
import { scanYieldRows } from "../limits.js";
import { createTestLog, factsWith, noonNs, type TestLog } from "./fixtures.js";
import type { AuditQuery } from "./query.js";

const all: AuditQuery = { actor: "", action: "", result: "", requestId: "", collection: "", limit: 1_000 };
const second = 1_000_000_000n;

describe("a query of the audit log", () => {
  let test: TestLog;
  /** Record i: at noon + i seconds, two at a time from 30 on. */
  beforeAll(async () => {
    test = createTestLog();
    for (let i = 0; i < 40; i++) {
      test.time = noonNs + BigInt(i < 30 ? i : 30 + ((i - 30) >> 1)) * second;
      await test.log.write(
        factsWith({
          actorId: ["usr_1", "usr_2", ""][i % 3]!,
          actorName: ["Ada", "Bob", "Mallory"][i % 3]!,
          action: ["document.add", "document.get", "audit.list", "documents.list"][i % 4]!,
          collection: i % 2 ? "blog" : "notes",
          requestId: `req-${i >> 1}`,
          outcomeCode: [0, 7, 5][i % 3]!,
          decision: i % 3 === 1 ? Decision.DENY : Decision.ALLOW,
          phase: i === 39 ? RecordPhase.INTENT : RecordPhase.UNSPECIFIED,
        }),
      );
    }
  });
  const list = async (query: Partial<AuditQuery>): Promise<number[]> => (await test.log.list("default", { ...all, ...query })).records.map(({ record }) => Number(record.sequence));
  const where = (test: (i: number) => boolean): number[] => Array.from({ length: 40 }, (_, i) => 39 - i).filter(test);

  const cases: [string, Partial<AuditQuery>, (i: number) => boolean][] = [
    ["nothing asked: everything", {}, () => true],
    ["an actor by id", { actor: "usr_2" }, (i) => i % 3 === 1],
    ["an actor by name", { actor: "Bob" }, (i) => i % 3 === 1],
    ["a name that was only claimed", { actor: "Mallory" }, (i) => i % 3 === 2],
    ["nobody", { actor: "Eve" }, () => false],
    ["an action", { action: "document.add" }, (i) => i % 4 === 0],
    ["a family of actions", { action: "document." }, (i) => i % 4 < 2],
    ["half an action", { action: "document" }, () => false],
    ["successes", { result: "success" }, (i) => i % 3 === 0 && i !== 39],
    ["denials", { result: "denied" }, (i) => i % 3 === 1],
    ["failures", { result: "failure" }, (i) => i % 3 === 2],
    ["a collection", { collection: "blog" }, (i) => i % 2 === 1],
    ["a request", { requestId: "req-7" }, (i) => i >> 1 === 7],
    ["half a request id", { requestId: "req-" }, () => false],
    ["a request and more", { requestId: "req-7", collection: "blog" }, (i) => i === 15],
    ["from a time on", { fromNs: noonNs + 28n * second }, (i) => i >= 28],
    ["from a time between two records", { fromNs: noonNs + 28n * second + 1n }, (i) => i >= 29],
    ["before a time", { toNs: noonNs + 3n * second }, (i) => i < 3],
    ["before a time that two share", { toNs: noonNs + 31n * second }, (i) => i < 32],
    ["from a time that two share", { fromNs: noonNs + 31n * second }, (i) => i >= 32],
    ["between times", { fromNs: noonNs + 5n * second, toNs: noonNs + 8n * second }, (i) => i >= 5 && i < 8],
    ["between times that cross", { fromNs: noonNs + 8n * second, toNs: noonNs + 5n * second }, () => false],
    ["before all time", { toNs: 0n }, () => false],
    ["after all time", { fromNs: noonNs * 2n }, () => false],
    ["a request within times", { requestId: "req-7", fromNs: noonNs + 15n * second }, (i) => i === 15],
    ["all of it at once", { actor: "Ada", action: "document.", result: "success", collection: "notes", toNs: noonNs + 20n * second }, (i) => i % 12 === 0 && i < 20],
  ];
  it.each(cases)("for %s", async (_, query, matches) => {
    expect(await list(query)).toEqual(where(matches));
  });

  it.each([["all", {}], ["a few", { actor: "Bob" }], ["those of a request", { requestId: "req-3" }]] as const)("for %s comes in pages without overlap or end too early", async (_, query) => {
    const whole = await list(query);
    for (const limit of [1, 3, whole.length, whole.length + 1]) {
      const pages: number[][] = [];
      let below: bigint | undefined;
      do {
        const page = await test.log.list("default", { ...all, ...query, limit, below });
        pages.push(page.records.map(({ record }) => Number(record.sequence)));
        below = page.next;
      } while (below !== undefined);
      expect(pages.flat()).toEqual(whole);
      expect(pages).toHaveLength(Math.ceil(whole.length / limit));
    }
  });

  it("sees one tenant", async () => {
    expect((await test.log.list("other", all)).records).toEqual([]);
  });

  it("stops when its caller is gone, for the reason the signal gives", async () => {
    const long = createTestLog();
    await long.store.transact((tx) => {
      for (let i = 0; i <= scanYieldRows; i++) long.log.append(tx, factsWith({ actorName: "", clientIp: "", userAgent: "" }));
    });
    const gone = long.log.list("default", { ...all, action: "none" }, AbortSignal.abort());
    await expect(gone).rejects.toMatchObject({ reason: Reason.CALL_CANCELLED });
    const late = long.log.list("default", { ...all, action: "none" }, AbortSignal.abort(fail(Reason.DEADLINE_PASSED)));
    await expect(late).rejects.toMatchObject({ reason: Reason.DEADLINE_PASSED });
  });
});
