/** Reads what the contract profile is given: any contract as the generator writes it, and a token for every role. */
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import type { BucketCase, MethodCase } from "@parapet/contract/conformance/cases";
import { type ContractMethod, methodFrom } from "../contract.js";

/** A contract that the suite has not seen before. */
export interface AnyContract {
  /** SHA-256 of its descriptors, as a deployment would report it. */
  readonly hash: string;
  readonly methods: readonly ContractMethod[];
  readonly buckets: ReadonlyMap<string, BucketCase>;
}

/** Everybody the profile plays, the least powerful first; `admin` may do everything, `owner` everything on the resource. */
export const roles = ["nobody", "reader", "writer", "owner", "admin"] as const;

/** Name of a role. */
export type Role = (typeof roles)[number];

/** Tokens of every role. */
export interface RoleTokens {
  /** The resource on which reader, writer and owner hold their rights. */
  readonly resource: string;
  /** One or more of each; those of limits are spent. */
  readonly tokens: Readonly<Record<Role, readonly string[]>>;
}

/** A file that is not what it should be; its message never quotes a token. */
export class FileError extends Error {
  override readonly name = "FileError";
}

const layout = 1;

interface ContractDocument {
  readonly layout?: number;
  readonly contractHash: string;
  readonly buckets: readonly BucketCase[];
  readonly cases: readonly MethodCase[];
  readonly descriptors: string;
}

/** A `contract.json` as the generator's target `conformance-contract` writes it. Throws a FileError. */
export function parseContract(text: string): AnyContract {
  const document = parse(text, "the contract") as unknown as ContractDocument;
  if (document.layout !== layout) throw new FileError(`the contract has layout ${String(document.layout)}, wanted ${layout}: write it with the generator of this suite's version`);
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, Buffer.from(document.descriptors, "base64")));
  const methods = document.cases.map((facts) => {
    const [service = "", name] = facts.method.split("/");
    const desc = registry.getService(service)?.methods.find((method) => method.name === name);
    if (desc === undefined) throw new FileError(`the contract has a case of ${facts.method}, but no descriptor`);
    return methodFrom(desc, facts);
  });
  return { hash: document.contractHash, methods, buckets: new Map(document.buckets.map((bucket) => [bucket.name, bucket])) };
}

/** A `tokens.json` as `parapet-generate credentials` writes it. Throws a FileError. */
export function parseTokens(text: string): RoleTokens {
  const { resource, roles: given } = parse(text, "the credentials file");
  if (typeof resource !== "string" || resource === "") throw new FileError('the credentials file needs "resource", the name of what reader, writer and owner have rights on');
  if (typeof given !== "object" || given === null) throw new FileError('the credentials file needs "roles"');
  const listed = roles.map((role) => {
    const tokens = (given as Record<string, unknown>)[role];
    const all = typeof tokens === "string" ? [tokens] : tokens;
    if (!Array.isArray(all) || all.length === 0 || !all.every((token) => typeof token === "string" && token !== "")) throw new FileError(`the credentials file needs a token, or a list of them, of the role ${role}`);
    return [role, all as string[]] as const;
  });
  return { resource, tokens: Object.fromEntries(listed) as Record<Role, string[]> };
}

function parse(text: string, what: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Said below, without the text.
  }
  throw new FileError(`${what} is not a JSON object`);
}
