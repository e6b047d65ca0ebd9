/** DocumentService behind the real gate, audit log and idempotency, over a store of the test's choice, called by a real client. */
import { ConnectError, createClient, createRouterTransport, type Client, type Interceptor } from "@connectrpc/connect";
import type { AuditRecord } from "@parapet/contract/parapet/audit/v1/audit_record_pb";
import { ErrorInfoSchema } from "@parapet/contract/google/rpc/error_details_pb";
import { DocumentService } from "@parapet/contract/parapet/document/v1/document_service_pb";
import { Algorithm } from "@parapet/contract/parapet/policy/v1/policy_pb";
import { createAuditLog, type AuditLog } from "../audit/log.js";
import { createSealer } from "../audit/seal.js";
import { callKey, CredentialKind, Protocol, type Call } from "../call.js";
import { createCollectionKeys } from "../documents/collection-keys.js";
import { sweepExpired } from "../documents/expiry.js";
import { createUuids } from "../documents/uuid.js";
import { createAct } from "../gate/act.js";
import { buildPlans, type Registration } from "../gate/build-plans.js";
import { createCommit } from "../gate/commit.js";
import { createFlood } from "../gate/flood.js";
import { createGate } from "../gate/gate.js";
import { createIdempotency } from "../gate/idempotency.js";
import type { BucketNumbers } from "../limit/limiter.js";
import { silentLog } from "../log.js";
import { ADMIN, everyCollection, type Grants } from "../policy/rights.js";
import { createDocumentService } from "../services/document-service.js";
import { createMemoryStore } from "../store/memory.js";
import { createPageTokens } from "../store/page-token.js";
import type { Store } from "../store/store.js";
import { seeded } from "./random.js";

/** A client of the service. */
export type DocumentClient = Client<typeof DocumentService>;

/** A running DocumentService with its parts. */
export interface DocumentFixture {
  readonly store: Store;
  readonly audit: AuditLog;
  /** The clock of everything; moves only when a test moves it. */
  readonly clock: { nowMs: number };
  /** A client with every right. */
  readonly client: DocumentClient;
  /** Every call that was made, with what it said of itself. */
  readonly calls: readonly Call[];
  /** A client with these grants in a tenant. */
  readonly as: (grants: Readonly<Record<string, number>>, id?: string, tenant?: string) => DocumentClient;
  /** The audit log, oldest record first. */
  readonly records: () => Promise<AuditRecord[]>;
  /** Removes what has ended; returns how many documents that were. */
  readonly sweep: (limit?: number) => Promise<number>;
}

const api: BucketNumbers = { name: "api", algorithm: Algorithm.TOKEN_BUCKET, requests: 100, burst: 50, windowMs: 60_000 };

/** Tenant of the fixture's own client. */
export const tenant = "t";

/** Starts the service. */
export function startDocuments(store: Store = createMemoryStore()): DocumentFixture {
  const clock = { nowMs: Date.parse("2026-03-02T12:00:00Z") };
  const nowMs = (): number => clock.nowMs;
  const random = seeded(7);
  const audit = createAuditLog({ store, sealer: createSealer({ masterKey: Buffer.alloc(32, 9) }), nowNs: () => BigInt(clock.nowMs) * 1_000_000n });
  const idempotency = createIdempotency(store, nowMs);
  const { commit, commitPart } = createCommit({ store, audit, idempotency });
  const newId = createUuids({ nowMs, fillRandom: (bytes) => bytes.set(bytes.map(() => random() * 256)) });
  const service = createDocumentService({ store, commit, commitPart, nowMs, newId, pageTokens: createPageTokens(Buffer.alloc(32, 8)) });
  const registration: Registration = { service: DocumentService, implementation: service as object };
  const plans = buildPlans([registration], { overlay: {}, buckets: { api }, pseudonym: () => "~" });
  const gate = createGate({
    identity: { authenticate: () => Promise.reject(new Error("nobody signs in here")) },
    limiter: undefined,
    limitBy: "user",
    failureBucket: api,
    everybody: undefined,
    nowUnixSeconds: () => Math.floor(clock.nowMs / 1000),
  });
  const act = createAct({ gate, audit, flood: createFlood(audit, Buffer.alloc(32, 6), nowMs), idempotency, pseudonym: () => "~", log: silentLog });
  const implementation = Object.fromEntries(plans.map((plan) => [plan.desc.localName, act.implementation(plan)]));

  const calls: Call[] = [];
  const as = (granted: Readonly<Record<string, number>>, id = "usr_1", of = tenant): DocumentClient => {
    const grants: Grants = new Map(Object.entries(granted));
    const interceptor: Interceptor = (next) => async (request) => {
      const plan = plans.find(({ desc }) => desc === request.method)!;
      const call: Call = {
        plan,
        protocol: Protocol.CONNECT,
        requestId: `req-${calls.length}`,
        traceId: "",
        clientIp: "203.0.113.7",
        userAgent: "",
        signal: request.signal,
        idempotencyKey: request.header.get("idempotency-key") ?? "",
        tenant: of,
        principal: { id, name: id, tenant: of, admin: false, grants },
        credential: { kind: CredentialKind.TOKEN, id: "jti" },
        rule: "",
        limit: undefined,
        audit: { resource: plan.audit.resource(undefined), collection: "", key: "", claimedName: "", notes: [] },
        recorded: "not yet",
        responseHeaders: [],
      };
      calls.push(call);
      request.contextValues.set(callKey, call);
      return next(request);
    };
    return createClient(
      DocumentService,
      createRouterTransport(({ service: add }) => add(DocumentService, implementation), {
        router: { interceptors: [interceptor] },
      }),
    );
  };

  const keysOf = createCollectionKeys();
  return {
    store,
    audit,
    clock,
    calls,
    client: as({ [everyCollection]: ADMIN }),
    as,
    async records() {
      const page = await audit.list(tenant, { actor: "", action: "", result: "", requestId: "", collection: "", limit: 10_000 });
      return page.records.map(({ record }) => record).reverse();
    },
    sweep: (limit = 1_000) => sweepExpired({ store, tenant, keysOf, append: (tx, facts) => void audit.append(tx, facts), nowMs: clock.nowMs, limit }),
  };
}

/** Meta data from plain lists of strings. */
export function meta(lists: Readonly<Record<string, readonly string[]>>) {
  return Object.fromEntries(
    Object.entries(lists).map(([name, texts]) => [name, { values: texts.map((value) => ({ kind: { case: "stringValue" as const, value } })) }]),
  );
}

/** The reason a call failed for. A call that succeeds, or fails without one, fails the test. */
export async function reasonOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    const [info] = ConnectError.from(error).findDetails(ErrorInfoSchema);
    if (info === undefined) throw error;
    return info.reason;
  }
  throw new Error("the call succeeded");
}

/** All messages of a stream. */
export async function drain<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const messages: T[] = [];
  for await (const message of stream) messages.push(message);
  return messages;
}
