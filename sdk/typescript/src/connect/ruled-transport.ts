/** A transport that follows the rules of the runtime: one deadline, safe retries, credentials, idempotency keys, typed errors. */
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import type { StreamResponse, Transport } from "@connectrpc/connect";
import { createAsyncIterable } from "@connectrpc/connect/protocol";
import type { Client } from "../runtime/client.js";
import type { ParapetError } from "../runtime/error.js";
import { type Attempt, begin, type CallOptions, execute, type Performed, type Progress } from "../runtime/execute.js";
import { createLeg, follow, type Leg } from "../runtime/follow.js";
import type { Method, Rule } from "../runtime/method.js";
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

/** Rules of a contract by `package.Service/Method`: what `rules.ts` of its generated client holds. */
export type Rules = Readonly<Record<string, Rule>>;

/** Gives the transport of one attempt, which tells of the HTTP status it is answered with where it can see that. */
export type Connect = (answered: (status: number) => void) => Transport;

/** Headers of a response, with how many requests it took: connect-es hands on nothing else that it could stand on. */
export interface CountedHeaders extends Headers {
  attempts?: number;
}

/** Makes a transport of connect-es that keeps the rules. `timeoutMs` of a streaming call bounds all of it; without one, a stream has no bound once it has begun. */
export function createRuledTransport(client: Client, rules: Rules, connect: Connect): Transport {
  return {
    async unary(desc, signal, timeoutMs, header, input, contextValues) {
      const method = methodOf(desc, rules);
      const options: CallOptions = { headers: header, signal, timeoutMs };
      const progress = begin(client, options);
      const { value } = await execute(client, method, options, progress, ({ scope, headers, deadlineMs }) =>
        createAttempt(client, connect)(async (inner) => {
          const response = await scope.wait(inner.unary(desc, scope.signal, finite(deadlineMs), headers, input, contextValues));
          return performed(response, response, progress);
        }),
      );
      progress.scope.end();
      return value;
    },
    async stream(desc, signal, timeoutMs, header, input, contextValues) {
      const fromClient = desc.methodKind !== "server_streaming";
      const method = methodOf(desc, rules);
      const { resume } = method;
      // What may be sent again must be at hand for that.
      let request = fromClient ? undefined : (await input[Symbol.asyncIterator]().next()).value;
      const options: CallOptions = { headers: header, signal, timeoutMs, retries: fromClient ? 0 : undefined };
      const progress = begin(client, options);
      const open = async (broken?: ParapetError) => {
        const perform = ({ scope, headers, deadlineMs }: Attempt) => {
          const attempt = createAttempt(client, connect);
          return attempt(async (inner) => {
            const response = await scope.wait(inner.stream(desc, scope.signal, finite(deadlineMs), headers, request ? createAsyncIterable([request]) : input, contextValues));
            const leg = await legOf(attempt, scope, response, !fromClient);
            return performed({ response, leg }, response, progress);
          });
        };
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

/** What succeeded is 200 on each of the protocols. */
function performed<T>(value: T, { header }: { readonly header: CountedHeaders }, { attempts }: Progress): Performed<T> {
  header.attempts = attempts;
  return { value, status: 200, headers: header };
}

/** Does a part of an attempt; what it throws is typed, with the status that the attempt was answered with. */
type AttemptPart = <T>(work: (inner: Transport) => Promise<T>) => Promise<T>;

function createAttempt(client: Client, connect: Connect): AttemptPart {
  let status: number | undefined;
  const inner = connect((answered) => (status = answered));
  return async (work) => {
    try {
      return await work(inner);
    } catch (thrown) {
      throw toParapetError(thrown, client.clock, status);
    }
  };
}

/** The messages of a response. `early`: the first is read now, so that a refusal is a failure of the attempt; of a two-way stream it may wait for the caller's next message. */
async function legOf<O extends DescMessage>(attempt: AttemptPart, scope: Scope, { message }: StreamResponse<DescMessage, O>, early: boolean): Promise<Leg<MessageShape<O>>> {
  const steps = message[Symbol.asyncIterator]();
  const receive = (): Promise<MessageShape<O> | undefined> =>
    attempt(async () => {
      const { done, value } = await steps.next();
      return done ? undefined : value;
    });
  return early ? createLeg(scope, receive) : { scope, next: receive };
}

/** Name of a field in messages of protobuf-es. */
function localName({ fields }: DescMessage, jsonName: string | undefined): string | undefined {
  return fields.find((field) => field.jsonName === jsonName)?.localName;
}

/** What the contract says of a method; one it does not know is sent with the credential and never again unless it says that it has no effect. */
function methodOf({ parent, name, methodKind, idempotency }: Descriptor, rules: Rules): Method {
  const fullName = `${parent.typeName}/${name}`;
  return {
    name: fullName,
    // Nothing here asks for it; what streams both ways has no kind of its own in the runtime.
    kind: methodKind as Method["kind"],
    // What has no effect may be sent again as what has it once.
    idempotency: idempotency ? "idempotent" : "unknown",
    key: "ignored",
    needs: "principal",
    ...rules[fullName],
  };
}

/** What servers are told: gRPC has room for eight digits. */
const finite = (ms: number): number | undefined => (ms < 9e7 ? Math.ceil(ms) : undefined);
