/** A unary call, as a promise that can say more. */
import { errorOf, isMessage, readJson, send } from "./attempt.js";
import { begin, type CallOptions, execute, type Outcome, type ResponseInfo, toJson } from "./execute.js";
import type { Client } from "./client.js";
import type { ClientReason, ParapetError } from "./error.js";
import type { Method } from "./method.js";

/** How a call ended, as a value. Check `ok`, then switch on `error.reason`. */
export type Result<T, R extends string = string> =
  | { readonly ok: true; readonly value: T; readonly response: ResponseInfo }
  | { readonly ok: false; readonly error: ParapetError<R | ClientReason> };

/** A call that has been started: a promise of the response message, which rejects with ParapetError only. */
export class Call<T, R extends string = string> implements Promise<T> {
  readonly [Symbol.toStringTag] = "Call";
  readonly #outcome: Promise<Outcome<T>>;

  constructor(outcome: Promise<Outcome<T>>) {
    this.#outcome = outcome;
  }

  // oxlint-disable-next-line unicorn/no-thenable -- a call is a promise, and implements all of it
  then<A = T, B = never>(onValue?: ((value: T) => A | PromiseLike<A>) | null, onError?: ((error: ParapetError<R | ClientReason>) => B | PromiseLike<B>) | null): Promise<A | B> {
    return this.#outcome.then(({ value }) => value).then(onValue, onError);
  }

  catch<B = never>(onError?: ((error: ParapetError<R | ClientReason>) => B | PromiseLike<B>) | null): Promise<T | B> {
    return this.then(null, onError);
  }

  finally(onSettled?: (() => void) | null): Promise<T> {
    return this.then().finally(onSettled);
  }

  /** The message together with status, headers and request id. */
  withResponse(): Promise<Outcome<T>> {
    return this.#outcome;
  }

  /** The outcome as a value; never rejects. Its error is typed with the reasons of the method. */
  result(): Promise<Result<T, R>> {
    return this.#outcome.then(
      ({ value, response }): Result<T, R> => ({ ok: true, value, response }),
      (error: ParapetError<R | ClientReason>): Result<T, R> => ({ ok: false, error }),
    );
  }
}

/** Changes a response before the caller gets it. */
export type Finish = (message: object, method: Method) => void;

/** Starts a unary call. `finish`: see `hideSecrets`. */
export function unary<T, R extends string>(client: Client, method: Method, request: unknown, options: CallOptions = {}, finish?: Finish): Call<T, R> {
  return new Call<T, R>(run(client, method, request, options, finish));
}

async function run<T>(client: Client, method: Method, request: unknown, options: CallOptions, finish: Finish | undefined): Promise<Outcome<T>> {
  const body = toJson(request, method);
  const progress = begin(client, options);
  const outcome = await execute(client, method, options, progress, async (attempt) => {
    const response = await send(client, method, body, attempt);
    const json = await readJson(response, attempt.scope);
    if (!isMessage(json, method)) throw errorOf(response, undefined, client.clock);
    return { value: json as T, status: response.status, headers: response.headers };
  });
  progress.scope.end();
  finish?.(outcome.value as object, method);
  return outcome;
}
