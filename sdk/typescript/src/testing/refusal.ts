/** Refusals with every reason of the contract, as the server words them on the wire. */
import { create, type DescMessage, getOption, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { Code } from "@parapet/contract/google/rpc/code_pb";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "@parapet/contract/google/rpc/error_details_pb";
import { ReasonSchema, spec } from "@parapet/contract/parapet/error/v1/reason_pb";
import type { Reason } from "../gen/reasons.js";
import { bytesToBase64 } from "../runtime/base64.js";
import type { Code as CodeName } from "../runtime/codes.js";
import type { FieldViolation } from "../runtime/details.js";

/** What a refusal says beside its reason. */
export interface RefusalFacts {
  readonly message?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly fieldViolations?: readonly Partial<FieldViolation>[];
  /** When to ask again, in milliseconds. */
  readonly retryAfterMs?: number;
}

/** Thrown by a handler to refuse a call; made by `refuse`. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly reason: Reason;
  /** The code that the contract gives the reason. */
  readonly code: CodeName;
  /** The Connect error as JSON. */
  readonly wire: object;
  readonly retryAfterMs: number | undefined;

  constructor(reason: Reason, facts: RefusalFacts) {
    const code = codeOf(reason);
    const message = facts.message ?? code.replaceAll("_", " ");
    super(message);
    this.reason = reason;
    this.code = code;
    this.retryAfterMs = facts.retryAfterMs;
    this.wire = { code, message, details: detailsOf(reason, facts) };
  }
}

/** Refuses the call that a handler is answering: `throw refuse("ETAG_MISMATCH")`, or return it. Throws RangeError for a reason that the contract does not know. */
export function refuse(reason: Reason, facts: RefusalFacts = {}): Refusal {
  return new Refusal(reason, facts);
}

/** HTTP status of a Connect error (connectrpc.com/docs/protocol, error codes). */
export const statusOf: Readonly<Record<CodeName, number>> = {
  canceled: 499,
  unknown: 500,
  invalid_argument: 400,
  deadline_exceeded: 504,
  not_found: 404,
  already_exists: 409,
  permission_denied: 403,
  resource_exhausted: 429,
  failed_precondition: 400,
  aborted: 409,
  out_of_range: 400,
  unimplemented: 501,
  internal: 500,
  unavailable: 503,
  data_loss: 500,
  unauthenticated: 401,
};

/** google.rpc spells it with two l. */
function codeOf(reason: Reason): CodeName {
  const value = ReasonSchema.values.find(({ name }) => name === `REASON_${reason}`);
  if (!value) throw new RangeError(`the contract has no reason ${reason}`);
  const code = Code[getOption(value, spec).code].toLowerCase();
  return (code === "cancelled" ? "canceled" : code) as CodeName;
}

function detailsOf(reason: Reason, { metadata = {}, fieldViolations, retryAfterMs }: RefusalFacts): object[] {
  const details = [detail(ErrorInfoSchema, { reason, domain: "parapet", metadata: { ...metadata } })];
  if (fieldViolations) details.push(detail(BadRequestSchema, { fieldViolations: fieldViolations.map(({ rule = "", ...rest }) => ({ ...rest, reason: rule })) }));
  if (retryAfterMs !== undefined) {
    const seconds = Math.floor(retryAfterMs / 1000);
    details.push(detail(RetryInfoSchema, { retryDelay: { seconds: BigInt(seconds), nanos: Math.round((retryAfterMs - seconds * 1000) * 1e6) } }));
  }
  return details;
}

function detail<Desc extends DescMessage>(schema: Desc, init: MessageInitShape<Desc>): object {
  return { type: schema.typeName, value: bytesToBase64(toBinary(schema, create(schema, init))) };
}
