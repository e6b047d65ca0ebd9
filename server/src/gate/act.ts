/** The gate behind the body: authorize the object, validate, run the handler, record the outcome. */
import { create, type DescMethod, type Message } from "@bufbuild/protobuf";
import { IdempotencyKey } from "@parapet/contract/parapet/policy/v1/policy_pb";
import type { HandlerContext, MethodImpl } from "@connectrpc/connect";
import type { AuditSink } from "../audit/sink.js";
import { callOf, type Call } from "../call.js";
import { fail, Failure, readingFailure, Reason, toConnectError, toFailure } from "../errors.js";
import type { Log } from "../log.js";
import { decideObject } from "../policy/access.js";
import { isNoRoom } from "../store/room.js";
import { abortFailure, refuseIfAborted } from "./commit.js";
import type { Pseudonym } from "./field-paths.js";
import type { Flood } from "./flood.js";
import type { Gate } from "./gate.js";
import type { Idempotency } from "./idempotency.js";
import type { Plan } from "./plan.js";
import { describeTarget, factsOfCall, isRecorded } from "./record.js";

/** What acting needs. */
export interface ActOptions {
  readonly gate: Gate;
  readonly audit: AuditSink;
  readonly flood: Flood;
  readonly idempotency: Idempotency | undefined;
  readonly pseudonym: Pseudonym;
  readonly log: Log;
}

/** Runs admitted calls and settles refused ones. Every executor of every protocol goes through here. */
export interface Act {
  /** Runs a unary call, at once where nothing has to be waited for. Rejects with a Failure, whose record is durable by then. */
  unary(call: Call, request: Message, context: HandlerContext): Message | Promise<Message>;
  /** The handler of a plan as connect-es wants it: everything here around the implementation. Throws ConnectErrors. */
  implementation(plan: Plan): MethodImpl<DescMethod>;
  /** Records a refusal or failure that ended the call; returns what the caller is told (AUDIT_UNAVAILABLE if recording failed). */
  settle(call: Call, thrown: unknown): Promise<Failure>;
}

type AnyUnary = (request: Message, context: HandlerContext) => unknown;
type AnyStream = (request: unknown, context: HandlerContext) => AsyncIterable<unknown>;

/** Makes the second half of the gate. */
export function createAct(options: ActOptions): Act {
  const { gate, audit, flood, idempotency, pseudonym, log } = options;

  const settle = async (call: Call, thrown: unknown): Promise<Failure> => {
    // Whoever heeds the signal of a call may throw what any aborted operation throws.
    const failure = (isAbort(thrown) ? call.ended?.() : undefined) ?? toFailure(thrown);
    if (failure.reason === Reason.INTERNAL) log.error("call failed", { method: call.plan.name, requestId: call.requestId, cause: failure.options.cause ?? failure });
    else if (failure.options.cause !== undefined) log.debug("call refused", { method: call.plan.name, requestId: call.requestId, reason: failure.facts.name, cause: call.plan.secretRequest ? undefined : failure.options.cause });
    if (call.recorded !== "not yet") return failure;
    call.recorded = "done";
    call.describe?.();
    if (!isRecorded(call, failure)) return failure;
    const facts = factsOfCall(call, failure);
    if (failure.reason === Reason.RATE_LIMITED && !flood.admits(`${gate.subjectOf(call)} ${call.limit?.bucket.name ?? ""}`, facts)) return failure;
    // Who tries again and again would fill what is kept with records of it.
    if (isNoRoom(failure) && !flood.admits(`${gate.subjectOf(call)} no room`, facts)) return failure;
    try {
      await audit.write(facts);
      return failure;
    } catch (cause) {
      log.error("audit record not written", { method: call.plan.name, requestId: call.requestId, cause });
      return fail(Reason.AUDIT_UNAVAILABLE, {}, { cause });
    }
  };

  /** Everything between the decoded request and the handler. */
  const prepare = (call: Call, request: Message): void => {
    const { plan } = call;
    if (plan.access.kind === "permission" && plan.access.collectionOf !== undefined) {
      const decision = decideObject(plan.access, call.principal, plan.access.collectionOf(request) ?? "");
      call.rule = decision.rule;
      if (!decision.allow) throw fail(decision.reason);
    }
    const account = plan.limit?.accountOf?.(request);
    if (account !== undefined && account !== "") {
      const refusal = gate.spendAccount(call, account);
      if (refusal !== undefined) throw refusal;
    }
    const violations = plan.validate(request);
    if (violations.length > 0) {
      const [first] = violations;
      throw fail(Reason.FIELD_INVALID, { field: first!.field }, { message: first!.field === "" ? first!.description : `${first!.field}: ${first!.description}`, violations });
    }
    refuseIfAborted(call);
  };

  const succeed = async (call: Call): Promise<void> => {
    if (call.recorded !== "not yet") return;
    call.recorded = "done";
    if (!isRecorded(call, undefined)) return;
    try {
      await audit.write(factsOfCall(call, undefined));
    } catch (cause) {
      throw cause instanceof Failure ? cause : fail(Reason.AUDIT_UNAVAILABLE, {}, { cause });
    }
  };

  /** The way every unary call ends badly. */
  const failed = async (call: Call, thrown: unknown): Promise<never> => {
    throw await settle(call, thrown);
  };

  const unary = (call: Call, request: Message, context: HandlerContext): Message | Promise<Message> => {
    const { plan } = call;
    // What a success does not record need not be put into words.
    const described = plan.sideEffects || isRecorded(call, undefined);
    try {
      if (described) describeTarget(call, request, pseudonym);
      else call.describe = () => describeTarget(call, request, pseudonym);
      prepare(call, request);
      const keyed = call.idempotencyKey !== "" || plan.idempotencyKey === IdempotencyKey.REQUIRED;
      if (keyed || described) return slowly(call, request, context, keyed).catch((thrown: unknown) => failed(call, thrown));
      const value = (plan.implementation as unknown as AnyUnary)(request, context);
      if (value instanceof Promise) return value.then((settled) => late(call, settled)).catch((thrown: unknown) => failed(call, thrown));
      return done(call, value);
    } catch (thrown) {
      return failed(call, thrown);
    }
  };

  /** A call that leaves a record, or may have been executed before. */
  const slowly = async (call: Call, request: Message, context: HandlerContext, keyed: boolean): Promise<Message> => {
    const replayed = keyed ? idempotency?.begin(call, request) : undefined;
    if (replayed !== undefined) {
      await succeed(call);
      return replayed;
    }
    try {
      const response = late(call, await (call.plan.implementation as unknown as AnyUnary)(request, context));
      await succeed(call);
      return response;
    } finally {
      if (keyed) idempotency?.end(call);
    }
  };

  async function* serverStream(plan: Plan, request: Message, context: HandlerContext): AsyncGenerator<Message> {
    const call = callOf(context);
    let ended = false;
    try {
      describeTarget(call, request, pseudonym);
      prepare(call, request);
      for await (const message of (plan.implementation as unknown as AnyStream)(request, context)) {
        if (call.signal.aborted) throw abortFailure(call.signal);
        yield done(call, message);
      }
      await succeed(call);
      ended = true;
    } catch (thrown) {
      ended = true;
      throw toConnectError(await settle(call, thrown));
    } finally {
      // The consumer stopped early: the caller went away.
      if (!ended) await settle(call, abortFailure(call.signal));
    }
  }

  const clientStream = async (plan: Plan, requests: AsyncIterable<Message>, context: HandlerContext): Promise<Message> => {
    const call = callOf(context);
    try {
      const iterator = reading(requests)[Symbol.asyncIterator]();
      const first = await iterator.next();
      // The first message names the object; the decision falls before the second is read.
      if (first.done !== true) {
        describeTarget(call, first.value, pseudonym);
        prepare(call, first.value);
      } else throw fail(Reason.REQUEST_MALFORMED, {}, { message: "the stream holds no message" });
      const all = resume(first.value, iterator, call, plan);
      const response = asMessage(plan, await (plan.implementation as unknown as (r: AsyncIterable<Message>, c: HandlerContext) => Promise<unknown>)(all, context));
      await succeed(call);
      return response;
    } catch (thrown) {
      throw toConnectError(await settle(call, thrown));
    }
  };

  async function* bidiStream(plan: Plan, requests: AsyncIterable<Message>, context: HandlerContext): AsyncGenerator<Message> {
    const call = callOf(context);
    let ended = false;
    try {
      for await (const message of (plan.implementation as unknown as AnyStream)(reading(requests), context)) yield done(call, message);
      await succeed(call);
      ended = true;
    } catch (thrown) {
      ended = true;
      throw toConnectError(await settle(call, thrown));
    } finally {
      if (!ended) await settle(call, abortFailure(call.signal));
    }
  }

  const implementation = (plan: Plan): MethodImpl<DescMethod> => {
    const table: Record<DescMethod["methodKind"], unknown> = {
      unary: async (request: Message, context: HandlerContext) => {
        const call = callOf(context);
        try {
          return await unary(call, request, context);
        } catch (failure) {
          throw toConnectError(toFailure(failure));
        }
      },
      server_streaming: (request: Message, context: HandlerContext) => serverStream(plan, request, context),
      client_streaming: (requests: AsyncIterable<Message>, context: HandlerContext) => clientStream(plan, requests, context),
      bidi_streaming: (requests: AsyncIterable<Message>, context: HandlerContext) => bidiStream(plan, requests, context),
    };
    return table[plan.desc.methodKind] as MethodImpl<DescMethod>;
  };

  return { unary, implementation, settle };
}

/** The messages of a stream; what goes wrong while they are read is told apart from what a handler throws. */
async function* reading(requests: AsyncIterable<Message>): AsyncGenerator<Message> {
  try {
    yield* requests;
  } catch (thrown) {
    throw readingFailure(thrown);
  }
}

/** The first message again, then the rest; a later one that names another object is refused. */
async function* resume(first: Message, rest: AsyncIterator<Message>, call: Call, plan: Plan): AsyncGenerator<Message> {
  const collectionOf = plan.access.kind === "permission" ? plan.access.collectionOf : undefined;
  const collection = collectionOf?.(first);
  yield first;
  for (;;) {
    const next = await rest.next();
    if (next.done === true) return;
    if (call.signal.aborted) throw abortFailure(call.signal);
    const named = collectionOf?.(next.value);
    if (named !== undefined && named !== "" && named !== collection) {
      throw fail(Reason.FIELD_INVALID, {}, { message: "every message of a stream must name the collection of the first, or none" });
    }
    yield next.value;
  }
}

function asMessage(plan: Plan, value: unknown): Message {
  const given = value as Partial<Message>;
  return given.$typeName === plan.output.typeName ? (given as Message) : create(plan.output, value as never);
}

/** The answer of a handler that took its time: a success only if somebody still waits, or if it changed what it was to change. */
function late(call: Call, value: unknown): Message {
  if (call.recorded === "not yet") refuseIfAborted(call);
  return done(call, value);
}

function isAbort(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === "AbortError";
}

/** An answer of a handler, or a part of one. */
function done(call: Call, value: unknown): Message {
  const message = asMessage(call.plan, value);
  call.acted = true;
  return message;
}
