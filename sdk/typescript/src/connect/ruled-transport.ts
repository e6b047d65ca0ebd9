/** A transport that follows the rules of the runtime: one deadline, safe retries, credentials, idempotency keys, typed errors. */
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import type { StreamResponse, Transport } from "@connectrpc/connect";
import { createAsyncIterable } from "@connectrpc/connect/protocol";
import { rules } from "../gen/rules.js";
import type { Client } from "../runtime/client.js";
import type { ParapetError } from "../runtime/error.js";
import { type Attempt, begin, type CallOptions, execute } from "../runtime/execute.js";
import { createLeg, follow, type Leg } from "../runtime/follow.js";
import type { Method } from "../runtime/method.js";
import type { Scope } from "../runtime/scope.js";
import { toParapetError } from "./connect-error.js";

/** What transports know of a method, of our contract or of any other. */
interface Descriptor {
  readonly parent: { readonly typeName: string };
  readonly name: string;
  readonly methodKind: string;
  /** A value of google.protobuf.MethodOptions.IdempotencyLevel. */
  readonly idempotency: 0 | 1 | 2;
}

/** Wraps a transport of connect-es. `timeoutMs` of a streaming call bounds all of it; without one, a stream has no bound once it has begun. */
export function createRuledTransport(client: Client, inner: Transport): Transport {
  return {
    async unary(desc, signal, timeoutMs, header, input, contextValues) {
      const method = methodOf(desc);
      const options = optionsOf(signal, timeoutMs, header);
      const progress = begin(client, options);
      const { value } = await execute(client, method, options, progress, ({ scope, headers, deadlineMs }) =>
        attempt(client, async () => {
          const response = await scope.wait(inner.unary(desc, scope.signal, finite(deadlineMs), headers, input, contextValues));
          return { value: response, status: 200, headers: response.header };
        }),
      );
      progress.scope.end();
      return value;
    },
    async stream(desc, signal, timeoutMs, header, input, contextValues) {
      const fromClient = desc.methodKind !== "server_streaming";
      const method = methodOf(desc);
      const { resume } = method;
      // What may be sent again must be at hand for that.
      let request = fromClient ? undefined : (await input[Symbol.asyncIterator]().next()).value;
      const options: CallOptions = { ...optionsOf(signal, timeoutMs, header), retries: fromClient ? 0 : undefined };
      const progress = begin(client, options);
      const open = async (broken?: ParapetError) => {
        const perform = ({ scope, headers, deadlineMs }: Attempt) =>
          attempt(client, async () => {
            const response = await scope.wait(inner.stream(desc, scope.signal, finite(deadlineMs), headers, request ? createAsyncIterable([request]) : input, contextValues));
            const leg = await legOf(client, scope, response, !fromClient);
            return { value: { response, leg }, status: 200, headers: response.header };
          });
        return (await execute(client, method, options, progress, perform, timeoutMs === undefined, broken)).value;
      };
      const { response, leg } = await open();
      const message = follow(method, progress, leg, localName(desc.output, resume?.response), async (token, broken) => {
        request = { ...request!, [localName(desc.input, resume!.request)!]: token };
        return (await open(broken)).leg;
      });
      await message.next();
      return { ...response, message };
    },
  };
}

/** The messages of a response. `early`: the first is read now, so that a refusal is a failure of the attempt; of a two-way stream it may wait for the caller's next message. */
async function legOf<O extends DescMessage>(client: Client, scope: Scope, { message }: StreamResponse<DescMessage, O>, early: boolean): Promise<Leg<MessageShape<O>>> {
  const steps = message[Symbol.asyncIterator]();
  const receive = (): Promise<MessageShape<O> | undefined> =>
    attempt(client, async () => {
      const { done, value } = await steps.next();
      return done ? undefined : value;
    });
  return early ? createLeg(scope, receive) : { scope, next: receive };
}

/** Name of a field in messages of protobuf-es. */
function localName({ fields }: DescMessage, jsonName: string | undefined): string | undefined {
  return fields.find((field) => field.jsonName === jsonName)?.localName;
}

async function attempt<T>(client: Client, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw toParapetError(thrown, client.clock) satisfies ParapetError;
  }
}

/** By number; the enum itself would weigh more. */
const idempotencyLevels = ["unknown", "no_side_effects", "idempotent"] as const;

/** What the contract says of a method; one it does not know is sent with the credential and never again unless it says that it has no effect. */
function methodOf({ parent, name, methodKind, idempotency }: Descriptor): Method {
  const fullName = `${parent.typeName}/${name}`;
  return {
    name: fullName,
    // Nothing here asks for it; what streams both ways has no kind of its own in the runtime.
    kind: methodKind as Method["kind"],
    idempotency: idempotencyLevels[idempotency],
    key: "ignored",
    needs: "principal",
    ...rules[fullName],
  };
}

/** An Idempotency-Key among the headers is the caller's own. */
function optionsOf(signal: AbortSignal | undefined, timeoutMs: number | undefined, header: HeadersInit | undefined): CallOptions {
  const headers = new Headers(header);
  return { headers, signal, timeoutMs, idempotencyKey: headers.get("idempotency-key") ?? undefined };
}

const finite = (ms: number): number | undefined => (ms < Infinity ? Math.ceil(ms) : undefined);
