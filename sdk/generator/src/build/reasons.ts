/** Reads the reasons of errors, and which of them a call of an RPC can meet. */
import type { DescEnum, DescFile, DescMethod } from "@bufbuild/protobuf";
import { Code } from "@parapet/contract/google/rpc/code_pb";
import { ReasonSchema, spec } from "@parapet/contract/parapet/error/v1/reason_pb";
import type { Conditional, Method, MethodReason, Paging, Policy, Reason } from "../model.js";
import { optionOf } from "./options.js";
import type { Problems } from "./problems.js";
import { docsOf } from "./source.js";
import { wordsOf } from "../words.js";

/** A canonical code as Connect spells it. */
export function codeName(code: Code): string {
  return code === Code.CANCELLED ? "canceled" : Code[code].toLowerCase();
}

/** HTTP status of each canonical code on REST (connectrpc.com/docs/protocol, error codes). */
const httpStatusOfCode: Readonly<Record<Code, number>> = {
  [Code.OK]: 200,
  [Code.CANCELLED]: 499,
  [Code.UNKNOWN]: 500,
  [Code.INVALID_ARGUMENT]: 400,
  [Code.DEADLINE_EXCEEDED]: 504,
  [Code.NOT_FOUND]: 404,
  [Code.ALREADY_EXISTS]: 409,
  [Code.PERMISSION_DENIED]: 403,
  [Code.UNAUTHENTICATED]: 401,
  [Code.RESOURCE_EXHAUSTED]: 429,
  [Code.FAILED_PRECONDITION]: 400,
  [Code.ABORTED]: 409,
  [Code.OUT_OF_RANGE]: 400,
  [Code.UNIMPLEMENTED]: 501,
  [Code.INTERNAL]: 500,
  [Code.UNAVAILABLE]: 503,
  [Code.DATA_LOSS]: 500,
};

/** Reasons that any call can meet, on its way to the method or from the server below it. */
const ofTransport = [
  "ORIGIN_REFUSED", "REQUEST_MALFORMED", "MESSAGE_TOO_LARGE", "ENCODING_UNSUPPORTED", "CALL_CANCELLED", "DEADLINE_PASSED",
  "METHOD_UNKNOWN", "VERB_NOT_ALLOWED", "SHUTTING_DOWN", "INTERNAL",
];
const ofBadCredential = ["TOKEN_INVALID", "TOKEN_EXPIRED", "API_KEY_INVALID", "CREDENTIAL_AMBIGUOUS"];

/** Every reason of a contract: the values of its enums that carry `parapet.error.v1.spec`, else those of parapet.error.v1. */
export function reasonsOf(files: Iterable<DescFile>): Reason[] {
  const enums = [...files].flatMap((file) => file.enums).filter((each) => each.values.some((value) => optionOf(value, spec) !== undefined));
  const all = (enums.length > 0 ? enums : [ReasonSchema as DescEnum]).flatMap(reasonsOfEnum);
  return all.sort((a, b) => a.number - b.number);
}

function reasonsOfEnum(desc: DescEnum): Reason[] {
  const prefix = `${wordsOf(desc.name).join("_").toUpperCase()}_`;
  return desc.values.flatMap((value) => {
    const said = optionOf(value, spec);
    if (said === undefined) return [];
    const { code, httpStatus, title, retryable } = said;
    return {
      name: value.name.startsWith(prefix) ? value.name.slice(prefix.length) : value.name,
      number: value.number,
      code: codeName(code),
      httpStatus: httpStatus || httpStatusOfCode[code],
      title,
      retryable,
      docs: docsOf(value),
    };
  });
}

/** What a comment says beside the reasons, and the reasons that its sentence "Errors: A, B if …." names. */
export function splitDocs(docs: string): { text: string; names: string[] } {
  const sentence = /\s*\bErrors:\s*([\s\S]*?)\.(?=\s|$)/.exec(docs);
  if (sentence === null) return { text: docs, names: [] };
  const names = sentence[1]!.split(",").flatMap((part) => /^\s*([A-Z][A-Z0-9_]+)\b/.exec(part)?.[1] ?? []);
  // A sentence that names none is prose.
  if (names.length === 0) return { text: docs, names };
  const before = docs.slice(0, sentence.index);
  const after = docs.slice(sentence.index + sentence[0].length);
  return { text: `${before}${after}`.trim(), names };
}

/** What decides the reasons of a method. */
export interface ReasonFacts {
  readonly policy: Policy;
  readonly bindings: Method["bindings"];
  readonly paging: Paging | undefined;
  readonly conditional: Conditional | undefined;
  readonly secretResponse: boolean;
  /** True if a field of the request, at any depth, has a rule. */
  readonly validated: boolean;
  /** Names in the comment. */
  readonly named: readonly string[];
}

/** The reasons of methods. Many methods meet the same ones, so each list is made once. */
export class MethodReasons {
  private readonly lists = new Map<string, readonly MethodReason[]>();

  /** @param all those of the contract by name */
  constructor(private readonly all: ReadonlyMap<string, Reason>) {}

  /** The reasons a call of a method can meet, sorted by number. Names in its comment that do not exist are noted. */
  of(desc: DescMethod, facts: ReasonFacts, problems: Problems): readonly MethodReason[] {
    const implied = impliedBy(facts);
    const named = facts.named.filter((name) => this.all.has(name));
    for (const name of facts.named) {
      if (!this.all.has(name)) problems.add("reason-unknown", desc, `${desc.parent.typeName}/${desc.name}: its comment names the error ${name}, which no reason has`);
    }
    const key = `${implied.join()} ${named.join()}`;
    const list = this.lists.get(key) ?? this.listOf(implied, named);
    this.lists.set(key, list);
    return list;
  }

  private listOf(implied: readonly string[], named: readonly string[]): MethodReason[] {
    const from = new Map<string, MethodReason["from"]>(ofTransport.map((name) => [name, "transport"]));
    for (const name of implied) from.set(name, "policy");
    for (const name of named) from.set(name, "comment");
    return [...from]
      .filter(([name]) => this.all.has(name))
      .sort(([a], [b]) => this.all.get(a)!.number - this.all.get(b)!.number)
      .map(([name, origin]) => ({ name, from: origin }));
  }
}

function impliedBy({ policy, bindings, paging, conditional, secretResponse, validated }: ReasonFacts): string[] {
  const { access, limit, audit, idempotencyKey, resume } = policy;
  const keyed = idempotencyKey !== "ignored";
  const implied: readonly (readonly [holds: boolean, ...names: string[]])[] = [
    [access.kind !== "public", "CREDENTIAL_MISSING", ...ofBadCredential],
    [access.kind === "public" && !access.ignoreBadCredential, ...ofBadCredential],
    [access.kind === "permission", "PERMISSION_MISSING"],
    [access.kind === "permission" && access.server, "ADMIN_REQUIRED"],
    [validated, "FIELD_INVALID"],
    [bindings.length > 0, "QUERY_PARAMETER_UNKNOWN"],
    [bindings.some(({ body }) => body !== ""), "CONTENT_TYPE_UNSUPPORTED"],
    [paging !== undefined || resume !== undefined, "PAGE_TOKEN_INVALID"],
    [Boolean(conditional?.etag || conditional?.createOnly), "ETAG_MISMATCH"],
    [limit.kind === "bucket", "RATE_LIMITED", "COST_EXCEEDS_CAPACITY"],
    [keyed, "IDEMPOTENCY_KEY_INVALID", "IDEMPOTENCY_IN_FLIGHT", "IDEMPOTENCY_KEY_REUSED"],
    [keyed && secretResponse, "IDEMPOTENCY_RESPONSE_WITHHELD"],
    // A call that is neither limited nor recorded touches no store on its way.
    [limit.kind === "bucket" || audit.level !== "none", "AUDIT_UNAVAILABLE", "STORE_UNAVAILABLE"],
  ];
  return implied.flatMap(([holds, ...names]) => (holds ? names : []));
}
