/** What a check works with: calls as anybody, principals made for the run, and the audit log. */
import { setTimeout as sleep } from "node:timers/promises";
import { fromJson, type JsonObject, type JsonValue } from "@bufbuild/protobuf";
import { type AuditEntry, ListAuditRecordsResponseSchema } from "@parapet/contract/parapet/audit/v1/audit_service_pb";
import type { GetCapabilitiesResponse } from "@parapet/contract/parapet/system/v1/system_service_pb";
import { methodOf } from "../contract.js";
import { carries, type WireClient } from "../wire/client.js";
import { type CallOptions, type CallResult, type Credential, reasonOf, type Variant } from "../wire/wire.js";
import type { Facility, Profile } from "./check.js";
import { createPeople, type People } from "./people.js";
import type { Random } from "./random.js";
import { HarnessError } from "./verdict.js";

/** What the run was told to use. */
export interface Settings {
  readonly profile: Profile;
  readonly adminUser: string;
  readonly adminPassword: string;
  /** Secret that signs tokens, for checks that must make their own. */
  readonly signingKey: Uint8Array | undefined;
  /** A browser origin that the deployment allows. */
  readonly origin: string | undefined;
}

/** One run against one deployment. */
export interface Context {
  readonly client: WireClient;
  readonly settings: Settings;
  readonly claims: GetCapabilitiesResponse;
  readonly facilities: ReadonlySet<Facility>;
  /** Ways to call that the deployment claims and the run selected. */
  readonly variants: readonly Variant[];
  /** Ways to call that the run selected and the deployment does not claim. */
  readonly unclaimed: readonly Variant[];
  /** How the suite itself calls, outside of checks. */
  readonly control: Variant;
  readonly random: Random;
  /** Begins every name the run makes, e.g. `conf-m3x1k2-ab12`. */
  readonly namespace: string;
  /** Texts that must never show up where they do not belong. */
  readonly secrets: Set<string>;
  readonly admin: Credential;
  readonly people: People;
  /** A collection of the run with the document `one`, which the people have their rights on. */
  readonly collection: string;
  /** Another collection of the run, on which only the stranger has rights. */
  readonly otherCollection: string;
  /** When the run began, by the target's clock. */
  readonly startedAt: Date;
  /** The target's clock, in milliseconds of Unix time, estimated from its Date headers. */
  readonly serverNow: () => number;
  /** Makes a call. */
  readonly call: (variant: Variant, method: string, request: JsonValue, options?: CallOptions) => Promise<CallResult>;
  /** Makes a call as the admin that must work; gives its message. Rejects with HarnessError. */
  readonly asAdmin: (method: string, request: JsonValue, options?: CallOptions) => Promise<JsonObject>;
  /** A name in the namespace that was not used before. */
  readonly name: (purpose: string) => string;
  /** A request id that was not used before, for looking up the record of a call. */
  readonly requestId: () => string;
  /** An address of this machine that the target has not seen in this run; undefined: the usual one. */
  readonly freshSource: () => string | undefined;
  /** All records that match, newest first. */
  readonly records: (filter: JsonObject) => Promise<AuditEntry[]>;
  readonly wait: (ms: number) => Promise<void>;
}

/** What is known before a context can be made. */
export interface ContextParts extends Pick<Context, "client" | "settings" | "claims" | "facilities" | "variants" | "unclaimed" | "control" | "random" | "namespace" | "secrets" | "admin" | "startedAt" | "serverNow"> {
  /** True if source addresses of 127.0.0.0/8 reach the target and are seen there. */
  readonly manySources: boolean;
}

/** Creates the context; the collections are those of `prepare`. */
export function createContext(parts: ContextParts): Context {
  const { client, random, namespace, control, admin } = parts;
  let names = 0;
  let requestIds = 0;

  const call: Context["call"] = (variant, method, request, options) => client.call(variant, methodOf(method), request, options);
  const asAdmin: Context["asAdmin"] = async (method, request, options) => {
    const result = await call(carries(control, methodOf(method)) ? control : parts.variants[0]!, method, request, { credential: admin, ...options });
    if (result.code !== "ok") throw new HarnessError(`${method} as admin: ${result.code} ${reasonOf(result)} ${result.error?.message ?? ""}`);
    return result.messages[0] ?? {};
  };
  const freshSource = (): string | undefined => (parts.manySources ? `127.${1 + random.below(254)}.${random.below(256)}.${1 + random.below(254)}` : undefined);
  const name = (purpose: string): string => `${namespace}-${purpose}-${(names++).toString(36)}`;

  const records = async (filter: JsonObject): Promise<AuditEntry[]> => {
    const found: AuditEntry[] = [];
    let pageToken = "";
    do {
      const page = fromJson(ListAuditRecordsResponseSchema, await asAdmin("AuditService/ListAuditRecords", { limit: 1000, ...filter, ...(pageToken === "" ? {} : { pageToken }) }), { ignoreUnknownFields: true });
      found.push(...page.records);
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    return found;
  };

  const context: Context = {
    ...parts,
    collection: `${namespace}-docs`,
    otherCollection: `${namespace}-other`,
    people: createPeople({ call, asAdmin, name, freshSource, control, random, namespace, secrets: parts.secrets, serverNow: parts.serverNow }),
    call,
    asAdmin,
    name,
    requestId: () => `${namespace}-r${(requestIds++).toString(36)}`,
    freshSource,
    records,
    wait: async (ms) => {
      await sleep(ms);
    },
  };
  return context;
}
