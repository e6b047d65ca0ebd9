/** What the battery and a client tell each other: one job in the environment, one JSON line for each call that ends. */

/** Name of the environment variable that holds the job as JSON. */
export const jobVariable = "BATTERY_JOB";

/** What a client is asked to do, once, in a process of its own. Everything it does not name stays as the client's makers have set it. */
export interface Job {
  /** Id of the scenario, for logs. */
  readonly scenario: string;
  /** Where the fault server is; any path below it is answered alike. */
  readonly url: string;
  /** `create`: a call that changes something (POST). `read`: one that does not. */
  readonly call: "create" | "read";
  /** How many calls to make, all at once. */
  readonly calls: number;
  /** Sent as the client's API key or bearer token. */
  readonly credential: string;
  /** Time-out to set, in milliseconds. */
  readonly timeoutMs?: number;
  /** Abort every call so many milliseconds after its start. */
  readonly abortAfterMs?: number;
  /** GET it for a token (`{"token": "…"}`), instead of `credential`, and again when the token has ended. */
  readonly tokenUrl?: string;
}

/** What is known of an error. */
export interface SeenError {
  /** Name of its class. */
  readonly name: string;
  readonly code?: string | number;
  readonly reason?: string;
  readonly status?: number;
  readonly retryAfterMs?: number;
  /** All that printing it shows; searched for the credential. */
  readonly text: string;
}

/** How one call ended: a line of JSON on the client's standard output. */
export type Settled =
  | { readonly ok: true; readonly ms: number }
  | { readonly ok: false; readonly ms: number; readonly error: SeenError }
  /** The client has nothing of the kind, e.g. no time-out; in few words. */
  | { readonly unsupported: string };

/** A line of standard output as a settled call; undefined for anything else that a client prints. */
export function parseSettled(line: string): Settled | undefined {
  try {
    const value = JSON.parse(line) as Partial<Record<"ok" | "ms" | "error" | "unsupported", unknown>> | null;
    if (typeof value?.unsupported === "string") return { unsupported: value.unsupported };
    if (typeof value?.ok !== "boolean" || typeof value.ms !== "number") return undefined;
    if (value.ok) return { ok: true, ms: value.ms };
    const { name = "unknown", text = "", ...rest } = (value.error ?? {}) as Partial<SeenError>;
    return { ok: false, ms: value.ms, error: { name, text, ...rest } };
  } catch {
    return undefined;
  }
}
