/** Proves bearer tokens and API keys by a file of their SHA-256: the smallest identity source that a team can start with. */
import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { CredentialKind } from "../call.js";
import { fail, Reason } from "../errors.js";
import type { Log } from "../log.js";
import { silentLog } from "../log.js";
import { bitsOf, isServerAdmin } from "../policy/grants.js";
import type { Grants } from "../policy/rights.js";
import type { Authenticated, IdentitySource } from "./identity-source.js";

/** Where the file is, and who is told when it cannot be read. */
export interface CredentialsFileOptions {
  readonly path: string;
  readonly tenant?: string;
  /** Wall clock, in Unix milliseconds. Default: the machine's. */
  readonly nowMs?: () => number;
  readonly log?: Log;
}

/** A file that is no list of credentials. Its message names the entry, never a hash. */
export class CredentialsFileError extends Error {
  override readonly name = "CredentialsFileError";
}

interface Entry {
  readonly proved: Authenticated;
  /** Unix milliseconds; Infinity: never. */
  readonly expiresAtMs: number;
}

interface Loaded {
  readonly stamp: string;
  /** By the hex of the token's SHA-256. Tokens are random and long, so a plain hash is enough, and a look-up of it tells nothing by its time. */
  readonly entries: ReadonlyMap<string, Entry>;
}

const rights = ["read", "write", "admin"] as const;

/**
 * Makes the source. The file is `{"credentials": [{"id": "ann", "sha256": "…64 hex digits…", "grants": {"handbook": ["read", "write"]}, "expiresAt": "2027-01-01T00:00:00Z"}]}`:
 * grants by resource, `*` for all of them; `expiresAt` (RFC 3339) may be absent. The token itself is sent as `Authorization: Bearer` or `X-API-Key`.
 * The file is looked at on every call, so what is taken out counts on the very next one (AN-21). A file that has become unreadable refuses
 * every call with STORE_UNAVAILABLE; one that is wrong at the start throws a CredentialsFileError.
 */
export function openCredentialsFile(options: CredentialsFileOptions): IdentitySource {
  const { path, tenant = "default", nowMs = Date.now, log = silentLog } = options;
  let loaded = load(path, tenant);
  let complained = "";
  return {
    authenticate({ kind, text }) {
      try {
        if (stampOf(path) !== loaded.stamp) loaded = load(path, tenant);
      } catch (cause) {
        const said = (cause as Error).message;
        if (said !== complained) log.error("the credentials file cannot be read; every call is refused", { path, cause });
        complained = said;
        return fail(Reason.STORE_UNAVAILABLE, {}, { cause });
      }
      const found = loaded.entries.get(createHash("sha256").update(text).digest("hex"));
      if (found === undefined) return fail(kind === "api-key" ? Reason.API_KEY_INVALID : Reason.TOKEN_INVALID);
      if (found.expiresAtMs <= nowMs()) return fail(kind === "api-key" ? Reason.API_KEY_INVALID : Reason.TOKEN_EXPIRED);
      return kind === "api-key" ? { ...found.proved, credential: { ...found.proved.credential, kind: CredentialKind.API_KEY } } : found.proved;
    },
  };
}

/** Two states of the file differ in it, also when an editor replaces the file within one tick of its clock. */
function stampOf(path: string): string {
  const { ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
  return `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
}

function load(path: string, tenant: string): Loaded {
  const stamp = stampOf(path);
  return { stamp, entries: entriesOf(readFileSync(path, "utf8"), tenant) };
}

function entriesOf(text: string, tenant: string): Map<string, Entry> {
  const listed = objectOf(parse(text), "the file")["credentials"];
  if (!Array.isArray(listed)) throw new CredentialsFileError('the file needs a list "credentials"');
  const entries = new Map<string, Entry>();
  for (const [index, each] of listed.entries()) {
    const where = `credentials[${index}]`;
    const { id, sha256, grants, expiresAt } = objectOf(each, where);
    if (typeof id !== "string" || id === "") throw new CredentialsFileError(`${where}.id: wanted a text`);
    if (typeof sha256 !== "string" || !/^[0-9a-f]{64}$/.test(sha256)) throw new CredentialsFileError(`${where}.sha256: wanted 64 lower-case hex digits`);
    if (entries.has(sha256)) throw new CredentialsFileError(`${where}.sha256: listed before`);
    const expiresAtMs = expiresAt === undefined ? Number.POSITIVE_INFINITY : typeof expiresAt === "string" ? Date.parse(expiresAt) : Number.NaN;
    if (Number.isNaN(expiresAtMs)) throw new CredentialsFileError(`${where}.expiresAt: wanted a time such as 2027-01-01T00:00:00Z`);
    const held = grantsOf(grants, where);
    entries.set(sha256, {
      proved: { principal: { id, name: id, tenant, admin: isServerAdmin(held), grants: held }, credential: { kind: CredentialKind.TOKEN, id: sha256.slice(0, 16) } },
      expiresAtMs,
    });
  }
  return entries;
}

function grantsOf(given: unknown, where: string): Grants {
  const held = new Map<string, number>();
  for (const [resource, names] of Object.entries(given === undefined ? {} : objectOf(given, `${where}.grants`))) {
    if (!Array.isArray(names) || !names.every((name) => (rights as readonly unknown[]).includes(name))) {
      throw new CredentialsFileError(`${where}.grants[${JSON.stringify(resource)}]: wanted a list of ${rights.join(", ")}`);
    }
    held.set(resource, bitsOf({ read: names.includes("read"), write: names.includes("write"), admin: names.includes("admin") }));
  }
  return held;
}

function objectOf(value: unknown, where: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new CredentialsFileError(`${where}: wanted a JSON object`);
  return value as Record<string, unknown>;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What the parser says quotes the file.
    throw new CredentialsFileError("the file is not JSON");
  }
}
