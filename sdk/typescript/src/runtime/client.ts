/** A client: everything that its calls share, checked once. */
import { type Clock, systemClock } from "./clock.js";
import { type CredentialOptions, createCredentials, type Credentials } from "./credentials.js";
import { clientError, type ParapetError } from "./error.js";
import type { Hooks } from "./hooks.js";
import { createRetryBudget, type RetryBudget, type RetryBudgetOptions } from "./retry-budget.js";

/** The part of `fetch` that is used. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** What `Headers` can be made of; by this name, because not every platform's types know `HeadersInit`. */
export type HeadersInput = ConstructorParameters<typeof Headers>[0];

/** How to make a client. */
export interface ClientOptions extends CredentialOptions {
  /** Where the server is, e.g. `https://parapet.example.com`. Without a user name or password in it. */
  readonly baseUrl: string;
  /** Sent as X-API-Key. Excludes `token`. */
  readonly apiKey?: string | undefined;
  /** Sent as a Bearer token. A function is asked again, once for all concurrent calls, when the server refuses the last token. */
  readonly token?: CredentialOptions["token"];
  /** All the time a call may take: connecting, headers, body, retries and the waits between them. Default 30000. Infinity: no bound. */
  readonly timeoutMs?: number | undefined;
  /** Time for each attempt within that. Default: no bound of its own. */
  readonly attemptTimeoutMs?: number;
  /** Further attempts after the first, where the contract allows them. Default 2. */
  readonly retries?: number;
  /** Waits are random between 0 and a bound that starts at `baseMs` (default 200) and doubles up to `capMs` (default 5000). */
  readonly backoff?: { readonly baseMs?: number; readonly capMs?: number };
  /** How many retries all calls together may add. */
  readonly retryBudget?: RetryBudgetOptions;
  /** Headers of every request. */
  readonly headers?: HeadersInput;
  /** Watches every attempt. */
  readonly hooks?: Hooks;
  /** Largest message of a stream that is read, in bytes. Default 64 MiB. */
  readonly messageBytesMax?: number;
  /** Instead of the global `fetch`. */
  readonly fetch?: Fetch;
  /** Instead of the machine's clock. */
  readonly clock?: Clock;
  /** Instead of `Math.random`: a number from 0 up to 1, for back-off. */
  readonly random?: () => number;
  /** Instead of random ones: makes idempotency keys. */
  readonly newKey?: () => string;
}

/** What all calls of a client share. Made by `createClient`; secrets are in closures only. */
export interface Client {
  /** Without a slash at its end. */
  readonly baseUrl: string;
  readonly timeoutMs: number;
  readonly attemptTimeoutMs: number;
  readonly retries: number;
  readonly backoff: { readonly baseMs: number; readonly capMs: number };
  readonly messageBytesMax: number;
  readonly budget: RetryBudget;
  readonly credentials: Credentials;
  readonly hooks: Hooks;
  readonly clock: Clock;
  readonly fetch: Fetch;
  /** The client's own headers with those of a call over them. */
  headers(more: HeadersInput | undefined): Headers;
  random(): number;
  newKey(): string;
}

/** An argument that cannot be used. Without a cause: what `fetch` and `Headers` throw quotes the value, which may be secret. */
export function invalid(message: string, method?: string): ParapetError {
  return clientError("REQUEST_INVALID", message, { method });
}

/** Makes a client. Throws ParapetError (REQUEST_INVALID, CREDENTIAL_UNAVAILABLE) for options that cannot work. */
export function createClient(options: ClientOptions): Client {
  const { clock = systemClock, timeoutMs = 30_000, attemptTimeoutMs = Infinity, retries = 2, hooks = {}, messageBytesMax = 64 * 1024 * 1024, random = Math.random, newKey = randomKey } = options;
  const { baseMs = 200, capMs = 5_000 } = options.backoff ?? {};
  // Copied at once, so that a later change by the caller changes nothing.
  const own = headersOf(options.headers);
  return {
    baseUrl: baseUrlOf(options.baseUrl),
    timeoutMs,
    attemptTimeoutMs,
    retries,
    backoff: { baseMs, capMs },
    messageBytesMax,
    budget: createRetryBudget(options.retryBudget),
    credentials: createCredentials(options, clock, timeoutMs),
    hooks,
    clock,
    // Looked up at each call: browsers want `fetch` called on its own global, and pages replace it.
    fetch: options.fetch ?? ((url, init) => globalThis.fetch(url, init)),
    headers(more) {
      const headers = new Headers(own);
      headersOf(more).forEach((value, name) => headers.set(name, value));
      return headers;
    },
    random,
    newKey,
  };
}

function headersOf(init: HeadersInput | undefined): Headers {
  try {
    return new Headers(init);
  } catch {
    throw invalid("headers is nothing that a header can carry");
  }
}

function baseUrlOf(text: string): string {
  let url = "";
  try {
    url = new URL(text, (globalThis as { location?: { href: string } }).location?.href).href;
  } catch {
    // Said below, together with all else that a base cannot be.
  }
  if (!/^https?:\/\/[^/@]+\/[^?#]*$/.test(url)) throw invalid("baseUrl must be an http or https URL of host and path alone");
  return url.replace(/\/+$/, "");
}

/** 128 random bits. Not `randomUUID`, which pages without TLS lack. */
function randomKey(): string {
  return crypto.getRandomValues(new Uint32Array(4)).join("-");
}
