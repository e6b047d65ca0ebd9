/** Reasons, the one way to fail, and the google.rpc details that each failure carries (AIP-193). */
import { create, type DescMessage, getOption, type MessageShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { Reason, ReasonSchema, spec } from "@parapet/contract/parapet/error/v1/reason_pb";
import { BadRequestSchema, ErrorInfoSchema, QuotaFailureSchema, RetryInfoSchema } from "@parapet/contract/google/rpc/error_details_pb";
import { errorTextCharsMax, violationBytesMax } from "./limits.js";

export { Reason };

/** Domain of every ErrorInfo that Parapet sends. */
export const errorDomain = "parapet";

/** What a reason means on the wire, read once from the contract. */
export interface ReasonFacts {
  readonly reason: Reason;
  /** Name in ErrorInfo, e.g. `CREDENTIAL_MISSING`. */
  readonly name: string;
  readonly code: Code;
  /** HTTP status on REST. */
  readonly httpStatus: number;
  /** Text that older clients match on. */
  readonly title: string;
  readonly retryable: boolean;
}

/** HTTP status of each canonical code on Connect unary calls and REST (connectrpc.com/docs/protocol, error codes). */
export const httpStatusOfCode: Readonly<Record<Code, number>> = {
  [Code.Canceled]: 499,
  [Code.Unknown]: 500,
  [Code.InvalidArgument]: 400,
  [Code.DeadlineExceeded]: 504,
  [Code.NotFound]: 404,
  [Code.AlreadyExists]: 409,
  [Code.PermissionDenied]: 403,
  [Code.ResourceExhausted]: 429,
  [Code.FailedPrecondition]: 400,
  [Code.Aborted]: 409,
  [Code.OutOfRange]: 400,
  [Code.Unimplemented]: 501,
  [Code.Internal]: 500,
  [Code.Unavailable]: 503,
  [Code.DataLoss]: 500,
  [Code.Unauthenticated]: 401,
};

/** Name of each canonical code as Connect spells it. */
export const codeNames: Readonly<Record<Code, string>> = {
  [Code.Canceled]: "canceled",
  [Code.Unknown]: "unknown",
  [Code.InvalidArgument]: "invalid_argument",
  [Code.DeadlineExceeded]: "deadline_exceeded",
  [Code.NotFound]: "not_found",
  [Code.AlreadyExists]: "already_exists",
  [Code.PermissionDenied]: "permission_denied",
  [Code.ResourceExhausted]: "resource_exhausted",
  [Code.FailedPrecondition]: "failed_precondition",
  [Code.Aborted]: "aborted",
  [Code.OutOfRange]: "out_of_range",
  [Code.Unimplemented]: "unimplemented",
  [Code.Internal]: "internal",
  [Code.Unavailable]: "unavailable",
  [Code.DataLoss]: "data_loss",
  [Code.Unauthenticated]: "unauthenticated",
};

const factsByReason = new Map<Reason, ReasonFacts>();
for (const value of ReasonSchema.values) {
  if (value.number === Reason.UNSPECIFIED) continue;
  const option = getOption(value, spec);
  const code = option.code as number as Code;
  factsByReason.set(value.number, {
    reason: value.number,
    name: value.name.replace(/^REASON_/, ""),
    code,
    httpStatus: option.httpStatus || httpStatusOfCode[code],
    title: option.title,
    retryable: option.retryable,
  });
}

/** The facts of a reason. */
export function factsOf(reason: Reason): ReasonFacts {
  return factsByReason.get(reason) ?? factsByReason.get(Reason.INTERNAL)!;
}

/** One broken rule of a request field (google.rpc.BadRequest.FieldViolation). */
export interface FieldViolation {
  /** Path of the field, e.g. `documents[3].key`. */
  readonly field: string;
  readonly description: string;
  /** Id of the rule, e.g. `string.min_len`. */
  readonly rule: string;
}

/** What may be said beside the reason. */
export interface FailureOptions {
  /** Helps the caller; never holds internals. Default: the reason's title. */
  readonly message?: string;
  /** For the log only. */
  readonly cause?: unknown;
  /** Becomes google.rpc.BadRequest. */
  readonly violations?: readonly FieldViolation[];
  /** Becomes google.rpc.RetryInfo and Retry-After, in milliseconds. */
  readonly retryAfterMs?: number;
  /** Becomes google.rpc.QuotaFailure. */
  readonly quota?: { readonly subject: string; readonly description: string };
  /** Details that a handler which throws ConnectErrors of its own gave; an ErrorInfo among them takes the place of ours. */
  readonly details?: readonly Detail[];
  /** Header fields that such a ConnectError carries (its metadata), for the answer. */
  readonly fields?: readonly (readonly [name: string, value: string])[];
}

/** A typed refusal or failure of a call. Made by `fail` and `toFailure` alone. */
export class Failure extends Error {
  override readonly name = "Failure";
  constructor(
    readonly reason: Reason,
    readonly metadata: Readonly<Record<string, string>>,
    readonly options: FailureOptions,
    readonly facts: ReasonFacts = factsOf(reason),
  ) {
    super(options.message ?? facts.title, options.cause === undefined ? undefined : { cause: options.cause });
  }
}

/**
 * Makes a failure. Throw it, or return it where a decision is a value. Texts are cut and of many violations the first are
 * kept: gRPC carries an error in trailers, and clients refuse those beyond 8 KiB.
 */
export function fail(reason: Reason, metadata: Readonly<Record<string, string>> = {}, options: FailureOptions = {}): Failure {
  const { message, violations } = options;
  const brief: Record<string, string> = {};
  for (const name in metadata) brief[name] = cut(metadata[name]!);
  if (message === undefined && violations === undefined) return new Failure(reason, brief, options);
  return new Failure(reason, brief, { ...options, ...(message && { message: cut(message) }), ...(violations && { violations: first(violations) }) });
}

function cut(text: string): string {
  if (text.length <= errorTextCharsMax) return text;
  // Half of a surrogate pair would be no text.
  const splits = (text.charCodeAt(errorTextCharsMax - 1) & 0xfc00) === 0xd800;
  return `${text.slice(0, errorTextCharsMax - (splits ? 1 : 0))}…`;
}

/** The violations that fit; the first always does. */
function first(violations: readonly FieldViolation[]): FieldViolation[] {
  const kept: FieldViolation[] = [];
  let bytes = 0;
  for (const { field, description, rule } of violations) {
    const violation = { field: cut(field), description: cut(description), rule };
    bytes += Buffer.byteLength(violation.field) + Buffer.byteLength(violation.description) + rule.length;
    if (kept.length > 0 && bytes > violationBytesMax) break;
    kept.push(violation);
  }
  return kept;
}

/** A google.rpc detail with its schema. */
export interface Detail<Desc extends DescMessage = DescMessage> {
  readonly desc: Desc;
  readonly value: MessageShape<Desc>;
}

/** The one ErrorInfo of a failure: a handler's own where it gave one, else that of our reason. The same on every protocol (ER-03). */
export function infoOf(failure: Failure): MessageShape<typeof ErrorInfoSchema> {
  return givenDetail(failure, ErrorInfoSchema) ?? create(ErrorInfoSchema, { reason: failure.facts.name, domain: errorDomain, metadata: { ...failure.metadata } });
}

/** The first detail of a type that a handler gave. */
export function givenDetail<Desc extends DescMessage>({ options }: Failure, desc: Desc): MessageShape<Desc> | undefined {
  return options.details?.find((detail) => detail.desc.typeName === desc.typeName)?.value as MessageShape<Desc> | undefined;
}

/** The google.rpc details of a failure: exactly one ErrorInfo, and BadRequest, RetryInfo or QuotaFailure where they apply. */
export function detailsOf(failure: Failure): Detail[] {
  const info: Detail = { desc: ErrorInfoSchema, value: infoOf(failure) };
  const given = failure.options.details ?? [];
  // A handler's own stays where it put it; of several the first counts.
  const details: Detail[] = given.filter(({ desc, value }) => desc.typeName !== ErrorInfoSchema.typeName || value === info.value);
  if (!details.some(({ value }) => value === info.value)) details.unshift(info);
  const { violations, retryAfterMs, quota } = failure.options;
  if (violations?.length) {
    details.push({
      desc: BadRequestSchema,
      value: create(BadRequestSchema, { fieldViolations: violations.map((v) => ({ field: v.field, description: v.description, reason: v.rule })) }),
    });
  }
  if (quota) details.push({ desc: QuotaFailureSchema, value: create(QuotaFailureSchema, { violations: [quota] }) });
  if (retryAfterMs !== undefined) {
    const ns = Math.max(0, Math.ceil(retryAfterMs * 1e6));
    details.push({
      desc: RetryInfoSchema,
      value: create(RetryInfoSchema, { retryDelay: { seconds: BigInt(Math.floor(ns / 1e9)), nanos: ns % 1e9 } }),
    });
  }
  return details;
}

const behind = Symbol("the failure behind a ConnectError");

/** The failure as connect-es throws it; `toFailure` finds the way back. */
export function toConnectError(failure: Failure): ConnectError {
  const error = new ConnectError(failure.message, failure.facts.code, undefined, undefined, failure.options.cause);
  error.details = detailsOf(failure).map(({ desc, value }) => ({ desc, value }));
  return Object.assign(error, { [behind]: failure });
}

/** What another server said in its headers is not ours to pass on. */
function fieldsOf({ metadata, isWireError }: ConnectError): Pick<FailureOptions, "fields"> {
  const fields = isWireError ? [] : [...metadata];
  return fields.length === 0 ? {} : { fields };
}

/** What connect-es itself throws while it reads a request. */
const reasonOfReading: Partial<Record<Code, Reason>> = {
  [Code.InvalidArgument]: Reason.REQUEST_MALFORMED,
  [Code.ResourceExhausted]: Reason.MESSAGE_TOO_LARGE,
  [Code.Unimplemented]: Reason.ENCODING_UNSUPPORTED,
  [Code.Internal]: Reason.REQUEST_MALFORMED,
  [Code.DeadlineExceeded]: Reason.DEADLINE_PASSED,
  [Code.Canceled]: Reason.CALL_CANCELLED,
  [Code.Aborted]: Reason.CALL_CANCELLED,
};

/** What went wrong while a request was read off the wire. */
export function readingFailure(thrown: unknown): Failure {
  if (thrown instanceof Failure) return thrown;
  const reason = thrown instanceof ConnectError ? reasonOfReading[thrown.code] : undefined;
  return fail(reason ?? Reason.CALL_CANCELLED, {}, { cause: thrown });
}

const reasonOfAbort: Partial<Record<Code, Reason>> = {
  [Code.DeadlineExceeded]: Reason.DEADLINE_PASSED,
  [Code.Canceled]: Reason.CALL_CANCELLED,
};

/**
 * Any thrown value as a failure. A ConnectError of a handler keeps its code, message and details, with its code's name as
 * the reason; anything else becomes INTERNAL, its text kept for the log.
 */
export function toFailure(thrown: unknown): Failure {
  if (thrown instanceof Failure) return thrown;
  if (!(thrown instanceof ConnectError)) return fail(Reason.INTERNAL, {}, { cause: thrown });
  const own = (thrown as { [behind]?: Failure })[behind];
  if (own !== undefined) return own;
  const reason = reasonOfAbort[thrown.code];
  if (reason !== undefined) return fail(reason, {}, { cause: thrown });
  if (thrown.code === Code.Internal || thrown.code === Code.Unknown) return fail(Reason.INTERNAL, {}, { cause: thrown });
  const details = thrown.details.flatMap((detail) => ("desc" in detail ? [{ desc: detail.desc, value: create(detail.desc, detail.value) }] : []));
  const name = codeNames[thrown.code];
  return new Failure(
    Reason.UNSPECIFIED,
    {},
    { message: thrown.rawMessage, details, ...fieldsOf(thrown) },
    { reason: Reason.UNSPECIFIED, name: name.toUpperCase(), code: thrown.code, httpStatus: httpStatusOfCode[thrown.code], title: name.replaceAll("_", " "), retryable: thrown.code === Code.Unavailable },
  );
}
