/** Steps: what must be refused is refused alike on all protocols. */
import { type Answer, type Caller, refusalOf } from "../callers.js";
import { claim, claimSame } from "../claims.js";
import { type NotedRefusal, secondsOf, type StepResult, type World } from "../world.js";

/** The default budget of a user: so many calls at once, and so many a second after that. */
const budget = { capacity: 150, perSecond: 100 / 60 };
/** A burst ends after so many calls, refused or not. */
const burstCallsMax = 600;

/** A kind of refusal, and how every protocol must put it. */
interface Expectation {
  readonly what: string;
  readonly code: string;
  readonly reason: string;
}

const anonymousRead: Expectation = { what: "anonymous Get", code: "unauthenticated", reason: "CREDENTIAL_MISSING" };
const readersWrite: Expectation = { what: "reader's Add", code: "permission_denied", reason: "PERMISSION_MISSING" };
const overLimit: Expectation = { what: "over-limit Get", code: "resource_exhausted", reason: "RATE_LIMITED" };

/** What a burst came to. */
export interface Burst {
  readonly admitted: number;
  readonly refused: number;
}

/** What these steps found out. */
export interface Refusals {
  readonly results: readonly StepResult[];
  /** One a protocol and kind, but for those over the limit. */
  readonly noted: readonly NotedRefusal[];
  readonly burst: Burst;
}

/** Runs them. */
export async function refuseAlike(world: World): Promise<Refusals> {
  const { documents, anonymous, reader, hasty, say } = world;
  const document = documents[0]!;
  const noted: NotedRefusal[] = [];
  const results: StepResult[] = [];
  const refuseOnEach = async (expected: Expectation, callers: readonly Caller[], call: (caller: Caller) => Promise<Answer<unknown>>): Promise<void> => {
    const seconds = await secondsOf(async () => {
      for (const caller of callers) noted.push(check(expected, caller, await call(caller)));
    });
    results.push({ what: `${expected.what} refused`, protocol: protocolsOf(callers), count: callers.length, seconds });
    say(`refused alike on ${callers.length} protocols: ${expected.what} is ${expected.code} / ${expected.reason}`);
  };

  await refuseOnEach(anonymousRead, anonymous, (caller) => caller.get(document.key));
  await refuseOnEach(readersWrite, reader.callers, (caller) => caller.add({ ...document, contentMd: "# Overwritten" }));
  for (const caller of reader.callers) {
    const answer = await caller.get(document.key);
    claim(answer.ok && answer.value.contentMd === document.contentMd, `a refused Add over ${caller.protocol} changed nothing`);
  }

  let burst: Burst = { admitted: 0, refused: 0 };
  const seconds = await secondsOf(async () => {
    burst = await runBurst(hasty.callers, document.key);
  });
  claim(burst.admitted <= budget.capacity + Math.ceil(seconds * budget.perSecond), "one budget holds over all protocols together", burst);
  results.push({ what: "burst over the limit", protocol: protocolsOf(hasty.callers), count: burst.admitted + burst.refused, seconds });
  say(`refused alike on ${hasty.callers.length} protocols: ${overLimit.what} is ${overLimit.code} / ${overLimit.reason}, after ${burst.admitted} calls on one budget`);
  return { results, noted, burst };
}

/** Calls over all protocols in turn until each was refused. */
async function runBurst(callers: readonly Caller[], key: string): Promise<Burst> {
  const refusedOn = new Set<Caller>();
  let admitted = 0;
  let refused = 0;
  for (let call = 0; refusedOn.size < callers.length; call++) {
    claim(call < burstCallsMax, `a burst is refused on every protocol within ${burstCallsMax} calls`, [...refusedOn].map(({ protocol }) => protocol));
    const caller = callers[call % callers.length]!;
    const answer = await caller.get(key);
    if (answer.ok) {
      admitted++;
      continue;
    }
    check(overLimit, caller, answer);
    claim(admitted >= budget.capacity, `a full burst of ${budget.capacity} is admitted before ${caller.protocol} refuses`, admitted);
    claim(answer.retryAfterMs !== undefined && answer.retryAfterMs > 0, `a refusal over ${caller.protocol} says when to come back`);
    refused++;
    refusedOn.add(caller);
  }
  return { admitted, refused };
}

function check({ what, code, reason }: Expectation, { protocol }: Caller, answer: Answer<unknown>): NotedRefusal {
  const refusal = refusalOf(answer, `${what} over ${protocol}`);
  claimSame({ code: refusal.code, reason: refusal.reason }, { code, reason }, `${what} over ${protocol}`);
  claim(refusal.requestId !== "", `${what} over ${protocol} carries a request id`);
  return { ...refusal, what, protocol };
}

function protocolsOf(callers: readonly Caller[]): string {
  return callers.map(({ protocol }) => protocol).join(", ");
}
