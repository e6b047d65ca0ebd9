/** Handlers that wait, for their signal or for the test to let them go, and that note what became of each call. */
import type { HandlerContext } from "@connectrpc/connect";
import type { Handlers } from "./handler-pair.js";

/** How a handler waits, by the key of the document it is asked for. */
export const manners = ["heeds-its-signal", "aborts-like-fetch", "heeds-nothing"] as const;

/** The handlers of one server. */
export interface Held {
  readonly handlers: Handlers;
  /** True once the handler of a request has begun. */
  readonly begun: ReadonlySet<string>;
  /** Resolves when the handler of a request has begun. */
  begins(requestId: string): Promise<void>;
  /** Lets the handler of a request answer. */
  release(requestId: string): void;
}

/** Makes handlers. Keys that name no manner are answered at once. */
export function createHeld(): Held {
  const begun = new Set<string>();
  const waiting = new Map<string, () => void>();
  const releases = new Map<string, () => void>();

  const handle = async (key: string, { signal, requestHeader }: HandlerContext): Promise<object> => {
    const requestId = requestHeader.get("x-request-id")!;
    const released = new Promise<void>((resolve) => releases.set(requestId, resolve));
    begun.add(requestId);
    waiting.get(requestId)?.();
    if (key === "heeds-nothing") await released;
    else if (manners.some((manner) => manner === key)) {
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      throw key === "heeds-its-signal" ? signal.reason : new DOMException("The operation was aborted", "AbortError");
    }
    return { document: { key, contentMd: "Answered after all. ".repeat(500) } };
  };

  return {
    handlers: { get: ({ key }, context) => handle(key, context), add: ({ key }, context) => handle(key, context) },
    begun,
    begins: (requestId) => new Promise((resolve) => (begun.has(requestId) ? resolve() : void waiting.set(requestId, resolve))),
    release: (requestId) => releases.get(requestId)?.(),
  };
}
