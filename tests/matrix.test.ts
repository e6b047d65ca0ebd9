/** The same bytes to two servers that differ in the executor of unary calls: the same answers and the same audit records. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Case, casesOf } from "./matrix/cases.js";
import { shapes } from "./matrix/draft.js";
import { differing, type Observation, observe } from "./matrix/observe.js";
import { openPair, type Side } from "./matrix/pair.js";

let pair: readonly [Side, Side];
beforeAll(async () => {
  pair = await openPair();
}, 60_000);
afterAll(async () => {
  await Promise.all(pair.map((side) => side.close()));
});

/** As many as can be read at once. */
const differencesShown = 5;

async function play(side: Side, { http, caller, draft, sent }: Case): Promise<Observation> {
  const arrived = await side[http].exchange({ ...sent, headers: [...sent.headers, ...side.credentials[caller]] });
  return observe(arrived, draft.method.desc.output, side.mask);
}

describe.each(shapes.map((shape) => [shape.name, shape] as const))("%s", (_name, shape) => {
  const cases = casesOf(shape);

  test("has hundreds of cases, each with an id of its own", () => {
    expect(cases.length).toBeGreaterThan(300);
    expect(new Set(cases.map(({ id }) => id)).size).toBe(cases.length);
  });

  test("is answered alike", { timeout: 120_000 }, async () => {
    const differences: Record<string, unknown>[] = [];
    for (const each of cases) {
      const [connectEs, fast] = await Promise.all([play(pair[0], each), play(pair[1], each)]);
      if (JSON.stringify(connectEs) !== JSON.stringify(fast)) differences.push({ case: `${each.id} (${each.http}) ${each.what}`, ...differing(connectEs, fast) });
    }
    expect(differences.slice(0, differencesShown)).toEqual([]);
  });
});

test("every call left the same records on both", async () => {
  const [connectEs, fast] = await Promise.all([pair[0].records(), pair[1].records()]);
  expect(connectEs.length).toBeGreaterThan(500);
  expect(connectEs.filter((record, index) => record !== fast[index]).slice(0, 5)).toEqual(fast.filter((record, index) => record !== connectEs[index]).slice(0, 5));
  expect(fast.length).toBe(connectEs.length);
});
