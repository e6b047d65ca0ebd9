/** The audit service shows a reader the log of its tenant, page by page, people's names opened where they still can be. */
import { type MessageInitShape } from "@bufbuild/protobuf";
import { createClient, createContextValues, createRouterTransport } from "@connectrpc/connect";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Decision, RecordPhase } from "@parapet/contract/parapet/audit/v1/audit_record_pb";
import { AuditService, type ListAuditRecordsRequestSchema, type ListAuditRecordsResponse } from "@parapet/contract/parapet/audit/v1/audit_service_pb";
import { beforeEach, describe, expect, it } from "vitest";
import { createTestLog, factsWith, noonNs, type TestLog } from "../audit/fixtures.js";
import { type Call, callKey } from "../call.js";
import { Failure, toConnectError } from "../errors.js";
import { createPageTokens } from "../store/page-token.js";
import { createAuditService } from "./audit-service.js";

const pageTokens = createPageTokens(new Uint8Array(32).fill(3));

describe("listing audit records", () => {
  let test: TestLog;
  beforeEach(async () => {
    test = createTestLog();
    for (let i = 0; i < 7; i++) await test.log.write(factsWith({ key: `k${i}`, requestId: `req-${i}` }));
  });

  const list = (request: MessageInitShape<typeof ListAuditRecordsRequestSchema>, caller = "usr_1", tenant = "default"): Promise<ListAuditRecordsResponse> => {
    const call = { tenant, principal: { id: caller, name: caller, tenant, admin: true, grants: new Map() } } as unknown as Call;
    const service = createAuditService({ log: test.log, pageTokens });
    const transport = createRouterTransport(
      (router) => {
        router.service(AuditService, {
          listAuditRecords: async (message, context) => {
            try {
              return await service.listAuditRecords(message, { ...context, values: createContextValues().set(callKey, call) });
            } catch (error) {
              throw error instanceof Failure ? toConnectError(error) : error;
            }
          },
        });
      },
    );
    return createClient(AuditService, transport).listAuditRecords(request);
  };
  const keys = ({ records }: ListAuditRecordsResponse): string[] => records.map(({ key }) => key);

  it("says everything about a call", async () => {
    test.time = noonNs + 5n;
    await test.log.write(
      factsWith({
        actorId: "",
        actorName: "mallory",
        decision: Decision.DENY,
        outcomeCode: 16,
        reason: "LOGIN_FAILED",
        phase: RecordPhase.COUNTED,
        count: 30,
        distinctTargets: 4,
        notes: [{ name: "n", value: "v" }],
      }),
    );
    const { records, nextPageToken, dropped } = await list({ limit: 1 });
    expect(records[0]).toMatchObject({
      sequence: 7n,
      time: { seconds: noonNs / 1_000_000_000n, nanos: 6 },
      tenant: "default",
      actor: "mallory",
      actorId: "",
      action: "document.add",
      resource: "collections/blog/documents/hello",
      collection: "blog",
      decision: Decision.DENY,
      rule: "write on blog",
      result: "denied",
      code: "unauthenticated",
      reason: "LOGIN_FAILED",
      requestId: "req-1",
      clientIp: "203.0.113.7",
      userAgent: "curl/8.5",
      details: [{ name: "n", value: "v" }],
      phase: RecordPhase.COUNTED,
      count: 30n,
      distinctTargets: 4n,
    });
    expect(nextPageToken).not.toBe("");
    expect(dropped).toBe(0);
    expect((await list({ limit: 1, action: "document.add", result: "success" })).records[0]).toMatchObject({ result: "success", code: "ok", count: 1n, actor: "Ada" });
  });

  it("leaves the fields of an erased person empty", async () => {
    await test.store.transact((tx) => test.log.erase(tx, "default", "usr_1"));
    expect((await list({ limit: 1 })).records[0]).toMatchObject({ actor: "", clientIp: "", userAgent: "", actorId: "usr_1" });
  });

  it("goes on where the page before ended, whatever was written since and however large the page", async () => {
    const first = await list({ limit: 3 });
    expect(keys(first)).toEqual(["k6", "k5", "k4"]);
    await test.log.write(factsWith({ key: "late" }));
    const second = await list({ limit: 2, pageToken: first.nextPageToken });
    expect(keys(second)).toEqual(["k3", "k2"]);
    const third = await list({ pageToken: second.nextPageToken });
    expect(keys(third)).toEqual(["k1", "k0"]);
    expect(third.nextPageToken).toBe("");
  });

  it("filters", async () => {
    expect(keys(await list({ requestId: "req-3" }))).toEqual(["k3"]);
    expect(keys(await list({ actor: "Ada", limit: 1 }))).toEqual(["k6"]);
    expect(keys(await list({ actor: "Eve" }))).toEqual([]);
    expect(keys(await list({ from: timestampFromMs(Number(noonNs / 1_000_000n) + 1) }))).toEqual([]);
    expect(keys(await list({ to: timestampFromMs(Number(noonNs / 1_000_000n) + 1) }))).toHaveLength(7);
  });

  it.each([
    ["another principal", (pageToken: string) => list({ pageToken }, "usr_2")],
    ["another tenant", (pageToken: string) => list({ pageToken }, "usr_1", "other")],
    ["another filter", (pageToken: string) => list({ pageToken, action: "document." })],
    ["nobody, when it was made up", () => list({ pageToken: "AQAAAA" })],
  ])("refuses a page token of %s", async (_, attempt) => {
    const { nextPageToken } = await list({ limit: 1 });
    await expect(attempt(nextPageToken)).rejects.toMatchObject({ rawMessage: "invalid page token" });
  });

  it("shows the log of the reader's tenant alone", async () => {
    await test.log.write(factsWith({ tenant: "other", key: "foreign" }));
    expect(keys(await list({}, "usr_9", "other"))).toEqual(["foreign"]);
    expect(keys(await list({}))).not.toContain("foreign");
  });
});
