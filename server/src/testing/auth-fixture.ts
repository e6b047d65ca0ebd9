/** AuthService behind real authentication and real method policies, over a memory store, called by a real client. */
import { createHash } from "node:crypto";
import { Code, ConnectError, createClient, createRouterTransport, type Client, type Interceptor } from "@connectrpc/connect";
import { AuthService } from "@parapet/contract/parapet/auth/v1/auth_service_pb";
import { ErrorInfoSchema } from "@parapet/contract/google/rpc/error_details_pb";
import { type Call, callKey, CredentialKind, Protocol } from "../call.js";
import { fail, Failure, toConnectError, toFailure } from "../errors.js";
import { buildPlans, type Registration } from "../gate/build-plans.js";
import { createIdentity, type Identity, type IdentityOptions } from "../identity/identity.js";
import { readCredential } from "../identity/read-credential.js";
import { decideMethod } from "../policy/access.js";
import { ADMIN, everyCollection, READ, WRITE } from "../policy/rights.js";
import { createAuthService } from "../services/auth-service.js";
import { createMemoryStore } from "../store/memory.js";
import { createPageTokens } from "../store/page-token.js";
import type { Store } from "../store/store.js";
import { type CommittedChange, createDirectCommit } from "./direct-commit.js";

/** A running AuthService with its parts. */
export interface AuthFixture {
  readonly store: Store;
  readonly identity: Identity;
  /** Moves the wall clock. */
  readonly clock: { nowMs: number };
  /** Every change that was committed. */
  readonly changes: readonly CommittedChange[];
  /** Every call that was answered, refused ones too. */
  readonly calls: readonly Call[];
  /** Names for which the generated password was to be forgotten. */
  readonly passwordChanges: readonly string[];
  /** A client that sends these headers with each call. */
  withHeaders(headers: Readonly<Record<string, string>>): Client<typeof AuthService>;
  /** A client that sends a bearer token or API key; none without one. */
  as(credential?: string): Client<typeof AuthService>;
  /** A client that logged in. */
  login(username: string, password: string): Promise<Client<typeof AuthService> & { readonly token: string }>;
}

/** Bytes that are the same in each run, all different. */
export function countedBytes(): (size: number) => Uint8Array {
  let count = 0;
  return (size) => Uint8Array.from(createHash("sha512").update(String(count++)).digest().subarray(0, size));
}

/** Starts with one admin, `admin` with password `admin-password`. */
export async function startAuth(options: Partial<IdentityOptions> = {}): Promise<AuthFixture> {
  const store = options.store ?? createMemoryStore();
  const clock = { nowMs: Date.parse("2026-03-02T12:00:00Z") };
  const identity = createIdentity({
    store,
    tenant: "t",
    nowMs: () => clock.nowMs,
    randomBytes: countedBytes(),
    tokenSecret: Buffer.alloc(32, 7),
    passwordPolicy: "warn",
    ...options,
  });
  const { commit, changes } = createDirectCommit(store);
  const passwordChanges: string[] = [];
  const service = createAuthService({ identity, commit, pageTokens: createPageTokens(Buffer.alloc(32, 9)), onPasswordChanged: (name) => passwordChanges.push(name) });
  const plans = buildPlans([{ service: AuthService, implementation: service as unknown as Registration["implementation"] }], { overlay: {}, buckets: { api: { name: "api", algorithm: 1, requests: 1, burst: 0, windowMs: 1 } }, pseudonym: () => "~" });

  const adminHash = await identity.passwords.hash("admin-password");
  await store.transact((tx) => {
    identity.accounts.putUser(tx, { id: "usr_admin", name: "admin", passwordHash: adminHash, createdAt: 1_772_476_700, disabled: false, tokenGeneration: 0, keptTokenId: "" });
    identity.accounts.setGrant(tx, "usr_admin", everyCollection, READ | WRITE | ADMIN);
  });

  const calls: Call[] = [];
  const gate: Interceptor = (next) => async (request) => {
    const plan = plans.find(({ desc }) => desc === request.method)!;
    const call: Call = {
      plan,
      protocol: Protocol.CONNECT,
      requestId: `req-${calls.length}`,
      traceId: "",
      clientIp: "203.0.113.7",
      userAgent: "",
      signal: request.signal,
      idempotencyKey: "",
      tenant: "t",
      principal: undefined,
      credential: { kind: CredentialKind.NONE, id: "" },
      rule: "",
      limit: undefined,
      audit: { resource: plan.audit.resource(undefined), collection: "", key: "", claimedName: "", notes: [] },
      recorded: "not yet",
      responseHeaders: [],
    };
    calls.push(call);
    request.contextValues.set(callKey, call);
    try {
      const sent = readCredential((name) => request.header.get(name)?.split(", ") ?? []);
      const outcome = sent === undefined || sent instanceof Failure ? sent : await identity.source.authenticate(sent, call);
      if (outcome instanceof Failure) throw outcome;
      call.principal = outcome?.principal;
      if (outcome !== undefined) call.credential = outcome.credential;
      const decision = decideMethod(plan.access, call.principal);
      call.rule = decision.rule;
      if (!decision.allow) throw fail(decision.reason);
      return await next(request);
    } catch (thrown) {
      throw toConnectError(toFailure(thrown));
    }
  };
  const transportWith = (headers: Readonly<Record<string, string>>) =>
    createRouterTransport(({ service: add }) => add(AuthService, service), {
      router: { interceptors: [gate] },
      transport: {
        interceptors: [
          (next) => (request) => {
            for (const [name, value] of Object.entries(headers)) request.header.set(name, value);
            return next(request);
          },
        ],
      },
    });
  const withHeaders = (headers: Readonly<Record<string, string>>) => createClient(AuthService, transportWith(headers));
  const as = (credential?: string) => withHeaders(credential === undefined ? {} : { authorization: `Bearer ${credential}` });
  return {
    store,
    identity,
    clock,
    changes,
    calls,
    passwordChanges,
    withHeaders,
    as,
    async login(username, password) {
      const { token } = await as().login({ username, password });
      return { ...as(token), token };
    },
  };
}

/** The reason that a call is refused with; `none` if it is not. */
export async function reasonOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "none";
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error;
    const [info] = error.findDetails(ErrorInfoSchema);
    return info?.reason ?? `code ${Code[error.code]}`;
  }
}
