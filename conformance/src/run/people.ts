/** The principals of a run: users made for it, each with a token and an API key. */
import { isObject, textOf } from "../wire/status.js";
import type { CallOptions, CallResult, Credential, Variant } from "../wire/wire.js";
import { reasonOf } from "../wire/wire.js";
import type { Context } from "./context.js";
import type { Random } from "./random.js";
import { HarnessError } from "./verdict.js";

/** A user of the run. */
export interface Person {
  readonly username: string;
  readonly password: string;
  readonly token: string;
  readonly apiKey: string;
  /** The API key as a credential: what most calls use. */
  readonly credential: Credential;
}

/** What a person may do on a collection. */
export interface Grant {
  readonly collection: string;
  readonly read?: boolean;
  readonly write?: boolean;
  readonly admin?: boolean;
}

/** Limits that a person gets instead of the deployment's. */
export interface OwnLimits {
  readonly requests: number;
  readonly burst: number;
}

/** What a person is to be. */
export interface PersonOptions {
  readonly grants?: readonly Grant[];
  /** `unlimited`: the suite's own traffic; `default`: the deployment's numbers. */
  readonly limits: "unlimited" | "default" | OwnLimits;
  readonly password?: string;
}

/** Makes and keeps principals. */
export interface People {
  /** A user that nobody else uses. */
  readonly make: (purpose: string, options: PersonOptions) => Promise<Person>;
  /** A user that checks share, made at the first use of its purpose; `ready` brings it into the state they want. */
  readonly shared: (purpose: string, options: PersonOptions, ready?: (person: Person) => Promise<unknown>) => Promise<Person>;
  /** The user of a role, made at its first use. */
  readonly as: (role: Role) => Promise<Person>;
  /** Logs in. Wrong passwords are results too. */
  readonly login: (username: string, password: string, options?: CallOptions) => Promise<CallResult>;
  /** Gives a user or a source other limits until the end of the run. */
  readonly setLimits: (subject: string, bucket: string, limits: OwnLimits) => Promise<void>;
  /** Ids of the overrides that were set. */
  readonly overrides: Set<string>;
}

/** Roles that many checks share; none of their traffic is limited. */
export type Role = "owner" | "writer" | "reader" | "stranger" | "nobody";

type Rights = Omit<Grant, "collection">;

const rolesGrants: Readonly<Record<Role, { readonly on: "collection" | "otherCollection"; readonly rights: Rights } | undefined>> = {
  owner: { on: "collection", rights: { read: true, write: true, admin: true } },
  writer: { on: "collection", rights: { read: true, write: true } },
  reader: { on: "collection", rights: { read: true } },
  stranger: { on: "otherCollection", rights: { read: true, write: true, admin: true } },
  nobody: undefined,
};

/** Numbers far above what a run can send. */
export const unlimited: OwnLimits = { requests: 10_000_000, burst: 1_000_000 };

/** Life of what a run leaves behind if it is killed: overrides and keys end by themselves, in seconds. */
export const lifetimeSeconds = 1_200;

type Parts = Pick<Context, "call" | "asAdmin" | "name" | "freshSource" | "control" | "namespace" | "secrets" | "serverNow"> & { readonly random: Random };

/** Creates the keeper of a run's principals. */
export function createPeople({ call, asAdmin, name, freshSource, control, namespace, random, secrets, serverNow }: Parts): People {
  const kept = new Map<string, Promise<Person>>();
  const overrides = new Set<string>();

  const login: People["login"] = (username, password, options) => call(control, "AuthService/Login", { username, password }, options);

  const setLimits: People["setLimits"] = async (subject, bucket, { requests, burst }) => {
    const { override } = await asAdmin("SystemService/SetLimitOverride", { subject, bucket, requests, burst, lifetime: `${lifetimeSeconds}s` });
    overrides.add(isObject(override) ? textOf(override["id"]) : "");
  };

  const make: People["make"] = async (purpose, { grants = [], limits, password = `${namespace}-${random.word(24)}` }) => {
    const username = name(purpose);
    secrets.add(password);
    await asAdmin("AuthService/Register", { username, password });
    for (const grant of grants) await asAdmin("AuthService/SetPermission", { username, ...grant });
    if (limits === "unlimited") await setLimits(`user:${username}`, "api", unlimited);
    else if (limits !== "default") await setLimits(`user:${username}`, "api", limits);
    const token = await tokenOf(username, password);
    secrets.add(token);
    const apiKey = await mint(control, token);
    return { username, password, token, apiKey, credential: { apiKey } };
  };

  /** Logs in from an address of its own where there is one, so that the strict login budget of the usual one stays. */
  const tokenOf = async (username: string, password: string): Promise<string> => {
    const result = await login(username, password, { source: freshSource() });
    const token = result.messages[0]?.["token"];
    if (result.code !== "ok" || typeof token !== "string") throw new HarnessError(`login of ${username}: ${result.code} ${reasonOf(result)}`);
    return token;
  };

  const mint = async (variant: Variant, token: string): Promise<string> => {
    const expiresAt = Math.floor(serverNow() / 1000) + lifetimeSeconds;
    const result = await call(variant, "AuthService/CreateApiKey", { description: namespace, expiresAt }, { credential: { bearer: token } });
    const key = result.messages[0]?.["key"];
    if (result.code !== "ok" || typeof key !== "string") throw new HarnessError(`CreateApiKey: ${result.code} ${reasonOf(result)}`);
    secrets.add(key);
    return key;
  };

  const shared: People["shared"] = (purpose, options, ready) => {
    let person = kept.get(purpose);
    if (person === undefined) {
      person = make(purpose, options).then(async (made) => {
        await ready?.(made);
        return made;
      });
      kept.set(purpose, person);
    }
    return person;
  };

  return {
    make,
    shared,
    login,
    setLimits,
    overrides,
    as: (role) => {
      const grant = rolesGrants[role];
      const collection = `${namespace}-${grant?.on === "otherCollection" ? "other" : "docs"}`;
      return shared(role, { limits: "unlimited", grants: grant === undefined ? [] : [{ collection, ...grant.rights }] });
    },
  };
}
