/** A transport that follows the rules of the runtime: one deadline, safe retries, credentials, idempotency keys, typed errors. */
import type { DescMessage, DescMethodStreaming, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel as Level } from "@bufbuild/protobuf/wkt";
import type { StreamResponse, Transport } from "@connectrpc/connect";
import { methods } from "../gen/methods.js";
import type { Client } from "../runtime/client.js";
import { clientError, type ParapetError } from "../runtime/error.js";
import { type Attempt, begin, type CallOptions, execute, type Performed, type Progress, typed } from "../runtime/execute.js";
import type { Method } from "../runtime/method.js";
import { toParapetError } from "./connect-error.js";

/** What transports know of a method, of our contract or of any other. */
interface Descriptor {
  readonly parent: { readonly typeName: string };
  readonly name: string;
  readonly methodKind: string;
  readonly idempotency: Level;
}

/** Wraps a transport of connect-es. `timeoutMs` of a streaming call bounds all of it; without one, a stream has no bound once it has begun. */
export function createRuledTransport(client: Client, inner: Transport): Transport {
  return {
    unary: (desc, signal, timeoutMs, header, input, contextValues) => {
      const method = methodOf(desc);
      const options = optionsOf(signal, timeoutMs, header);
      const progress = begin(client, method, options);
      const done = execute(client, method, options, progress, ({ scope, headers, deadlineMs }) =>
        attempt(client, async () => {
          const response = await scope.wait(inner.unary(desc, scope.signal, finite(deadlineMs), headers, input, contextValues));
          return { value: response, status: 200, headers: response.header };
        }),
      );
      return done.then(({ value }) => {
        progress.scope.end();
        return value;
      });
    },
    async stream(desc, signal, timeoutMs, header, input, contextValues) {
      const fromClient = desc.methodKind !== "server_streaming";
      const method = methodOf(desc);
      const options: CallOptions = { ...optionsOf(signal, timeoutMs, header), ...(fromClient ? { retries: 0 } : {}) };
      const endless = timeoutMs === undefined;
      const progress = begin(client, method, options);
      const open = opener(client, inner, desc, contextValues, fromClient ? input : await collect(input));
      const { value } = await execute(client, method, options, progress, (one) => attempt(client, () => open(one)), endless);
      if (endless) progress.scope.disarm();
      return { ...value.response, message: guarded(value, method, progress, client) };
    },
  };
}

/** A stream whose first message has been read, so that a refusal is a failure of the attempt. */
interface Opened<I extends DescMessage, O extends DescMessage> {
  readonly response: StreamResponse<I, O>;
  readonly first: IteratorResult<MessageShape<O>> | undefined;
  readonly rest: AsyncIterator<MessageShape<O>>;
}

function opener<I extends DescMessage, O extends DescMessage>(
  client: Client,
  inner: Transport,
  desc: DescMethodStreaming<I, O>,
  contextValues: Parameters<Transport["stream"]>[5],
  input: AsyncIterable<MessageInitShape<I>> | readonly MessageInitShape<I>[],
): (attempt: Attempt) => Promise<Performed<Opened<I, O>>> {
  return async ({ scope, headers, deadlineMs }) => {
    const messages = Array.isArray(input) ? iterate(input as MessageInitShape<I>[]) : (input as AsyncIterable<MessageInitShape<I>>);
    const response = await scope.wait(inner.stream(desc, scope.signal, finite(deadlineMs), headers, messages, contextValues));
    const rest = response.message[Symbol.asyncIterator]();
    // Of a two-way stream the first answer may wait for the caller's next message: do not wait for it here.
    const first = Array.isArray(input) ? await scope.wait(rest.next()) : undefined;
    return { value: { response, first, rest }, status: 200, headers: response.header };
  };
}

async function* guarded<I extends DescMessage, O extends DescMessage>({ first, rest }: Opened<I, O>, method: Method, { scope, attempts }: Progress, client: Client): AsyncGenerator<MessageShape<O>, void, undefined> {
  let whole = false;
  try {
    for (let step = first ?? (await scope.wait(rest.next())); !step.done; step = await scope.wait(rest.next())) yield step.value;
    whole = true;
  } catch (thrown) {
    throw typed(toParapetError(thrown, client.clock), method, attempts());
  } finally {
    scope.end(whole ? undefined : clientError("CALL_CANCELLED", "the stream was left"));
  }
}

async function attempt<T>(client: Client, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw toParapetError(thrown, client.clock) satisfies ParapetError;
  }
}

/** What the contract says of a method; one it does not know is sent with the credential and never again unless it says that it has no effect. */
function methodOf({ parent, name, methodKind, idempotency }: Descriptor): Method {
  const fullName = `${parent.typeName}/${name}`;
  return (
    methods[fullName] ?? {
      name: fullName,
      kind: methodKind === "unary" ? "unary" : methodKind === "server_streaming" ? "server_streaming" : "client_streaming",
      idempotency: idempotency === Level.NO_SIDE_EFFECTS ? "no_side_effects" : idempotency === Level.IDEMPOTENT ? "idempotent" : "unknown",
      key: "ignored",
      retryable: idempotency === Level.IDEMPOTENCY_UNKNOWN ? "never" : "always",
      needs: "principal",
    }
  );
}

/** An Idempotency-Key among the headers is the caller's own. */
function optionsOf(signal: AbortSignal | undefined, timeoutMs: number | undefined, header: HeadersInit | undefined): CallOptions {
  const headers = new Headers(header);
  const idempotencyKey = headers.get("idempotency-key") ?? undefined;
  return { headers, ...(signal ? { signal } : {}), ...(timeoutMs === undefined ? {} : { timeoutMs }), ...(idempotencyKey === undefined ? {} : { idempotencyKey }) };
}

const finite = (ms: number): number | undefined => (ms < Infinity ? Math.ceil(ms) : undefined);

async function collect<T>(messages: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const message of messages) all.push(message);
  return all;
}

async function* iterate<T>(messages: readonly T[]): AsyncGenerator<T, void, undefined> {
  yield* messages;
}
