/** Log entries of a client, one for each attempt: neither messages nor credentials are part of them, and of headers only what is named shows its value. */
import type { Code } from "../runtime/codes.js";
import type { Hooks } from "../runtime/hooks.js";

/** An attempt, as it is logged. */
export interface LogEntry {
  /** `debug`: it succeeded. `info`: it failed and another follows. `warn`: it failed, and the call with it. */
  readonly level: "debug" | "info" | "warn";
  /** In few words, e.g. `parapet.document.v1.DocumentService/Get failed: DOCUMENT_NOT_FOUND`. */
  readonly message: string;
  /** `package.Service/Method`. */
  readonly method: string;
  readonly url: string;
  /** From 1. */
  readonly attempt: number;
  readonly durationMs: number;
  /** HTTP status; 0 if there was no response. */
  readonly status: number;
  /** Id under which the server's log and audit know the call; empty if there was no response. */
  readonly requestId: string;
  readonly code?: Code | undefined;
  readonly reason?: string | undefined;
  /** How long the client waits before the next attempt, where one follows. */
  readonly retryInMs?: number | undefined;
  /** Headers that the caller, the client's options and earlier hooks set; those that are not to be shown say `[redacted]`. The client's own credential is not among them. */
  readonly headers: Readonly<Record<string, string>>;
}

/** What to show. */
export interface LoggingOptions {
  /** Names of headers that show their value, in lower case. Default: those of trace context, which are no secrets. */
  readonly showHeaders?: readonly string[];
}

const traceContext = ["traceparent", "tracestate"];

/** Never shown, whatever the options say. */
const secret = ["authorization", "cookie", "proxy-authorization", "x-api-key"];

/** Makes hooks that hand an entry to `log` when an attempt ends: `createLoggingHooks(({ level, ...entry }) => console[level](entry))`. */
export function createLoggingHooks(log: (entry: LogEntry) => void, { showHeaders = traceContext }: LoggingOptions = {}): Hooks {
  return {
    attempt({ method, url, attempt, headers }) {
      const shown = (name: string): boolean => showHeaders.includes(name) && !secret.includes(name);
      // Taken now: the credential is added behind this.
      const given = Object.fromEntries([...headers].map(([name, value]) => [name, shown(name) ? value : "[redacted]"]));
      return (end) => {
        const { code, reason, retryInMs } = end;
        const again = retryInMs === undefined ? "" : `, again in ${Math.round(retryInMs)} ms`;
        log({
          level: code === undefined ? "debug" : retryInMs === undefined ? "warn" : "info",
          message: code === undefined ? `${method} succeeded` : `${method} failed: ${reason ?? code}${again}`,
          method,
          url,
          attempt,
          ...end,
          headers: given,
        });
      };
    },
  };
}
