/** The nine scenarios: what the server does, what the client is asked, and what its behaviour is called. */
import { type Behaviour, refuse, type Seen, succeed, typeOf } from "./fault-server.js";
import type { Job, SeenError, Settled } from "./protocol.js";

/** What was seen of one client in one scenario. */
export interface Observation {
  /** Calls that ended in time. */
  readonly settled: readonly Settled[];
  /** True if the client was still busy when patience ended. */
  readonly hung: boolean;
  readonly requests: readonly Seen[];
  /** Tokens that were asked for. */
  readonly tokens: number;
}

/** What a cell of the table says. */
export interface Verdict {
  /** In few words. */
  readonly text: string;
  /** True if the behaviour is the one the scenario wants. */
  readonly good: boolean;
}

/** One fault. */
export interface Scenario {
  /** For `--only`. */
  readonly id: string;
  /** Head of its column. */
  readonly title: string;
  /** What a good client does, in the words of a cell. */
  readonly target: string;
  readonly job: Pick<Job, "call" | "calls" | "timeoutMs" | "abortAfterMs"> & { readonly tokens?: true };
  readonly behave: Behaviour;
  readonly judge: (observation: Observation) => Verdict;
}

/** What every job carries as its credential; must appear in no error. */
export const credential = "battery-secret-5f1c9a";

/** Milliseconds within which a failure counts as immediate. */
const atOnceMs = 1_000;
/** A time-out or an abort may come so much later than it was asked for, on a busy machine, in milliseconds; the next worse behaviour is seconds away. */
const slackMs = 400;

const good = (text: string): Verdict => ({ text, good: true });
const bad = (text: string): Verdict => ({ text, good: false });

type Failed = Extract<Settled, { ok: false }>;
const isFailed = (one: Settled): one is Failed => "ok" in one && !one.ok;

/** Classes of the platform: whoever catches one cannot know what happened. */
const untyped = ["Error", "TypeError", "SyntaxError", "DOMException", "AbortError", "RangeError", "object", "string", "unknown"];

const isTyped = ({ name, code, reason, status }: SeenError): boolean =>
  !untyped.includes(name) && (code !== undefined || reason !== undefined || status !== undefined);

/** True if the error is the 503 itself; 14 is its number in gRPC. */
const isRefusal = ({ code, status }: SeenError): boolean => status === 503 || code === "unavailable" || code === 14;

/** Judges a single call that ought to fail in time; a client that cannot, or does not end, has its verdict already. */
const failing =
  (judge: (failed: Failed, observation: Observation) => Verdict, hungText = "hangs") =>
  (observation: Observation): Verdict => {
    const [first] = observation.settled;
    if (first === undefined) return bad(observation.hung ? hungText : "ends without a word");
    if ("unsupported" in first) return bad(first.unsupported);
    return isFailed(first) ? judge(first, observation) : bad("takes it for a success");
  };

const within = (wantedMs: number) => failing(({ ms }) => (ms >= wantedMs - 20 && ms <= wantedMs + slackMs ? good(`${ms} ms`) : bad(`${ms} ms`)));

const typedFailure = failing(({ error }) => (isTyped(error) ? good("typed") : bad(`bare ${error.name}`)));

const reset: Behaviour = (response) => response.socket?.resetAndDestroy();

/** All scenarios, in the order of the columns. */
export const scenarios: readonly Scenario[] = [
  {
    id: "reset-post",
    title: "POST retried after a reset without a key",
    target: "no, stable key",
    job: { call: "create", calls: 1 },
    behave: (response, request, before) => (before.length === 0 ? reset(response, request, before) : succeed(response)),
    judge({ requests }) {
      if (requests.length < 2) return bad(requests.length === 0 ? "sends nothing" : "never retries");
      const keys = new Set(requests.map(({ headers }) => headers["idempotency-key"]));
      return keys.has(undefined) ? bad("yes") : keys.size === 1 ? good("no, stable key") : bad("yes, new key");
    },
  },
  {
    id: "retry-after",
    title: "429 with Retry-After 3600 s",
    target: "fails fast, says retryAfterMs",
    job: { call: "read", calls: 1 },
    behave: (response) => refuse(response, 429, "resource_exhausted", { "retry-after": "3600" }),
    judge: failing(({ ms, error }, { requests }) => {
      if (requests.length > 1) return bad("ignores it");
      if (ms > atOnceMs) return bad(`error after ${ms} ms`);
      return error.retryAfterMs === 3_600_000 ? good("fails fast, says retryAfterMs") : bad("error at once");
    }, "sleeps"),
  },
  {
    id: "abort-back-off",
    title: "abort 200 ms into a 4 s back-off",
    target: "200 ms",
    job: { call: "read", calls: 1, abortAfterMs: 200 },
    behave: (response) => refuse(response, 503, "unavailable", { "retry-after": "4" }),
    // On a busy machine an error at once may come as late as the abort: what it says tells them apart.
    judge: failing(({ ms, error }) => (ms < 150 || isRefusal(error) ? bad("error at once") : ms <= 200 + slackMs ? good(`${ms} ms`) : bad(`${ms} ms`))),
  },
  {
    id: "silent-headers",
    title: "500 ms time-out, no headers",
    target: "500 ms",
    job: { call: "read", calls: 1, timeoutMs: 500 },
    behave: () => {},
    judge: within(500),
  },
  {
    id: "stalled-body",
    title: "500 ms time-out, body stalls",
    target: "500 ms",
    job: { call: "read", calls: 1, timeoutMs: 500 },
    behave(response) {
      response.writeHead(200, { "content-type": typeOf(response) });
      response.write('{"half": ');
    },
    judge: within(500),
  },
  {
    id: "dead-server",
    title: "requests for 100 calls to an always-503 server",
    target: "≤ 110",
    job: { call: "read", calls: 100 },
    behave: (response) => refuse(response, 503, "unavailable"),
    judge({ requests, hung }) {
      const text = `${requests.length}${hung ? " and rising" : ""}`;
      return requests.length >= 100 && requests.length <= 110 && !hung ? good(text) : bad(text);
    },
  },
  {
    id: "html-page",
    title: "a proxy's page with status 200",
    target: "typed",
    job: { call: "read", calls: 1 },
    behave(response) {
      response.writeHead(200, { "content-type": "text/html" });
      response.end("<html><body>Please sign in to the guest network.</body></html>");
    },
    judge: typedFailure,
  },
  {
    id: "cut-body",
    title: "body shorter than announced",
    target: "typed",
    job: { call: "read", calls: 1 },
    behave(response) {
      response.writeHead(200, { "content-type": typeOf(response), "content-length": "100" });
      response.write('{"half": ', () => response.socket?.destroy());
    },
    judge: typedFailure,
  },
  {
    id: "token-ended",
    title: "token ends under 20 calls at once",
    target: "one refresh",
    job: { call: "read", calls: 20, tokens: true },
    behave(response, { headers }) {
      const token = /^Bearer token-(\d+)$/.exec(headers.authorization ?? "")?.[1];
      if (Number(token) >= 2) succeed(response);
      else refuse(response, 401, "unauthenticated", { "www-authenticate": 'Bearer error="invalid_token"' });
    },
    judge({ settled, tokens, hung }) {
      const [first] = settled;
      if (first && "unsupported" in first) return bad(first.unsupported);
      if (hung) return bad("hangs");
      const failed = settled.filter(isFailed).length;
      if (tokens < 2) return bad("never refreshes");
      if (failed > 0) return bad(`${failed} of 20 fail, ${tokens} tokens`);
      return tokens === 2 ? good("one refresh") : bad(`${tokens - 1} refreshes`);
    },
  },
];

/** A verdict, worse where an error shows the credential. */
export function judge(scenario: Scenario, observation: Observation): Verdict {
  const verdict = scenario.judge(observation);
  const leaks = observation.settled.some((one) => isFailed(one) && (one.error.text.includes(credential) || /token-\d/.test(one.error.text)));
  return leaks ? bad(`${verdict.text}, leaks the credential`) : verdict;
}
