/** Servers that are wrong about limits: what is counted, for whom, and what callers are told. */
import { headerOf, type ProxiedRequest, type ProxiedResponse, setHeader, type Tampering } from "../tampering-proxy.js";
import { answer, bearerOf, byAdmin, copyOf, isLogin, isMe, jsonOf, type Mutant, replace, status } from "./mutant.js";

const refused = answer(429, { code: "resource_exhausted", message: "over budget", details: [] });

/** The key that spends a budget; the suite's people call with API keys. */
const spender = (request: ProxiedRequest): string => headerOf(request, "x-api-key") ?? "";

/** Changes a header of every answer that has it. */
function onHeader(name: string, change: (value: string) => string): Tampering {
  return {
    response: (response) => {
      const value = headerOf(response, name);
      if (value !== undefined) setHeader(response, name, change(value));
    },
  };
}

/** Answers calls over budget as the last one within it, while `when` says so. */
function admitting(when: () => boolean): Tampering {
  let good: ProxiedResponse | undefined;
  return {
    response: (response, request) => {
      if (!isMe(request)) return;
      if (response.status === 200) good = copyOf(response);
      if (response.status === 429 && good !== undefined && when()) replace(response, good);
    },
  };
}

/** Broken servers of this area. */
export const limitMutants: readonly Mutant[] = [
  { id: "RL-01", what: "nothing is refused", tampering: () => admitting(() => true), protocols: "connect-json/h1" },
  {
    id: "RL-02",
    what: "calls that are open together are counted once",
    tampering: () => {
      let open = 0;
      const tampering = admitting(() => open > 1);
      return {
        request: () => void open++,
        response: async (response, request, tools) => {
          await tampering.response!(response, request, tools);
          open--;
        },
      };
    },
    protocols: "connect-json/h1",
  },
  {
    id: "RL-03",
    what: "one call in eight is refused from the start",
    tampering: () => {
      let calls = 0;
      return { response: (response, request) => void (isMe(request) && ++calls % 8 === 0 && replace(response, refused)) };
    },
    protocols: "connect-json/h1",
  },
  { id: "RL-04", what: "REST has no budget", tampering: () => byAdmin(({ path }) => path === "/v1/auth/me") },
  { id: "RL-09", what: "over budget is 503", tampering: () => status(429, 503) },
  { id: "RL-10", what: "the wait that is named is too short", tampering: () => ({ response: (response) => void (response.status === 429 && setHeader(response, "retry-after", "0")) }) },
  { id: "RL-11", what: "RateLimit in the form of an old draft", tampering: () => ({ response: (response) => setHeader(response, "ratelimit", "limit=100, remaining=50, reset=30") }) },
  { id: "RL-17", what: "a refusal over budget may be cached", tampering: () => ({ response: (response) => setHeader(response, "cache-control") }) },
  {
    id: "RL-20",
    what: "X-Forwarded-For names the source",
    tampering: () => ({ request: (request, { forward }) => {
      const claimed = headerOf(request, "x-forwarded-for")?.split(",")[0]?.split(".").at(-1);
      return claimed === undefined ? undefined : forward(request, `127.200.0.${claimed}`);
    } }),
  },
  {
    id: "RL-05",
    what: "whoever comes after a refusal is refused",
    tampering: () => {
      let spent = false;
      return {
        response: (response, request) => {
          if (isMe(request) && spent) replace(response, refused);
          spent ||= response.status === 429;
        },
      };
    },
    protocols: "connect-json/h1",
  },
  {
    id: "RL-06",
    what: "every call costs one unit",
    tampering: () => {
      const left = new Map<string, number>();
      return {
        response: (response, request) => {
          const remaining = headerOf(response, "x-ratelimit-remaining");
          if (remaining === undefined || spender(request) === "") return;
          const now = (left.get(spender(request)) ?? Number(remaining) + 1) - 1;
          left.set(spender(request), now);
          setHeader(response, "x-ratelimit-remaining", String(now));
        },
      };
    },
    protocols: "connect-json/h1",
  },
  {
    id: "RL-07",
    what: "every call that is refused pushes the wait on",
    tampering: () => {
      const until = new Map<string, { readonly ms: number; readonly refusal: ProxiedResponse }>();
      const push = (request: ProxiedRequest, refusal: ProxiedResponse): void => void until.set(spender(request), { ms: performance.now() + 10_000, refusal: copyOf(refusal) });
      return {
        request: (request) => {
          const wait = until.get(spender(request));
          if (wait === undefined || spender(request) === "" || performance.now() > wait.ms) return undefined;
          push(request, wait.refusal);
          return copyOf(wait.refusal);
        },
        response: (response, request) => void (response.status === 429 && push(request, response)),
      };
    },
    protocols: "connect-json/h1",
  },
  { id: "RL-08", what: "what can never be paid is to be tried again", tampering: () => ({ response: (response) => void (response.body.includes("COST_EXCEEDS_CAPACITY") && setHeader(response, "retry-after", "5")) }) },
  { id: "RL-12", what: "RateLimit comes once more as a trailer", tampering: () => ({ response: (response) => setHeader(response, "trailer-ratelimit", headerOf(response, "ratelimit")) }), protocols: "connect-json/h1" },
  { id: "RL-13", what: "the limit that is told is not the contract's", tampering: () => onHeader("x-ratelimit-limit", (value) => String(Number(value) + 1)) },
  { id: "RL-14", what: "RateLimit promises more than there is", tampering: () => onHeader("ratelimit", (value) => value.replace(/(?<=;r=)\d+/, (left) => String(Number(left) + 5))), protocols: "connect-json/h1" },
  { id: "RL-15", what: "the wait that is named ends before the next unit", tampering: () => ({ response: (response) => void (response.status === 429 && setHeader(response, "retry-after", "1")) }) },
  {
    id: "RL-16",
    what: "gRPC-Web gives no details of a refusal",
    // A name of the same length, so that the frame keeps its own.
    tampering: () => ({ response: (response) => void (response.body = Buffer.from(response.body.toString("latin1").replace("grpc-status-details-bin", "grpc-status-details-not"), "latin1")) }),
    protocols: "grpc-web/h1",
  },
  {
    id: "RL-18",
    what: "failures spend no budget",
    tampering: () => {
      let calls = 0;
      return { request: (request, { forward }) => (/\.A{43}$/.test(bearerOf(request) ?? "") ? forward(request, `127.201.${++calls >> 7}.${1 + (calls & 127)}`) : undefined) };
    },
    protocols: "connect-json/h1",
  },
  {
    id: "RL-18",
    what: "a forged token spends the budget of the user it names",
    tampering: () => {
      const tokens = new Map<string, string>();
      return {
        request: async (request, { forward }) => {
          const real = tokens.get(bearerOf(request)?.split(".")[1] ?? "");
          if (real === undefined || real === bearerOf(request)) return;
          const spending = { ...request, headers: [...request.headers] };
          setHeader(spending, "authorization", `Bearer ${real}`);
          await forward(spending);
        },
        response: (response, request) => {
          if (!isLogin(request) || response.status !== 200) return;
          const { token } = jsonOf(response) as { token: string };
          tokens.set(token.split(".")[1]!, token);
        },
      };
    },
    protocols: "connect-json/h1",
  },
  { id: "RL-22", what: "a refusal names the budget by the key that spent it", tampering: () => ({ response: (response, request) => void (response.status === 429 && setHeader(response, "x-ratelimit-key", spender(request))) }) },
];
