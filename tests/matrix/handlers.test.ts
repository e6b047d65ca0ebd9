/** What handlers do, told alike by both executors: what they answer, add and throw, over every protocol. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { methodOf } from "../../conformance/src/contract.js";
import { behaviours } from "./behaviours.js";
import { draftOf, sentOf, type Shape, shapes, withHeaders } from "./draft.js";
import { type HandlerSide, openHandlers } from "./handler-pair.js";
import { differing, type Observation, observe } from "./observe.js";

let pair: readonly [HandlerSide, HandlerSide];
beforeAll(async () => {
  pair = await openHandlers(() => ({
    get: ({ key }, context) => behaviours[key]!(context) as never,
    add: async ({ key }, context) => {
      await nextTurn();
      return behaviours[key]!(context) as never;
    },
  }));
});
afterAll(async () => {
  await Promise.all(pair.map((side) => side.close()));
});

/** How the caller asks: what of the answer it takes, how long it waits. */
const askings: readonly (readonly [name: string, headersOf: (shape: Shape) => readonly (readonly [string, string])[]])[] = [
  ["plainly", () => []],
  ["for gzip in ten seconds", ({ acceptHeader, timeoutHeader }) => [[acceptHeader, "gzip"], [timeoutHeader, timeoutHeader === "grpc-timeout" ? "10S" : "10000"]]],
];

async function play(side: HandlerSide, shape: Shape, http: "h1" | "h2", method: string, key: string, headers: readonly (readonly [string, string])[], id: string): Promise<Observation> {
  const draft = withHeaders(draftOf(methodOf(method), { collection: "docs", key }), ["x-custom", "ä, b"], ["x-custom-bin", "AAEC"], ...headers);
  return observe(await side[http].exchange(sentOf(shape, draft, id)), draft.method.desc.output, side.mask);
}

describe.each(shapes.flatMap((shape) => shape.http.map((http) => [`${shape.name} over ${http}`, shape, http] as const)))("%s", (_name, shape, http) => {
  test.each(askings)("tells alike what handlers do to a caller who asks %s", { timeout: 60_000 }, async (_asking, headersOf) => {
    const differences: unknown[] = [];
    for (const method of ["DocumentService/Get", "DocumentService/Add"]) {
      if (shape.get && methodOf(method).sideEffects) continue;
      for (const key of Object.keys(behaviours)) {
        const id = `${shape.name}.${http}.${method.slice(16)}.${key}`;
        const [connectEs, fast] = await Promise.all(pair.map((side) => play(side, shape, http, method, key, headersOf(shape), id)));
        if (JSON.stringify(connectEs) !== JSON.stringify(fast)) differences.push({ call: id, ...differing(connectEs!, fast!) });
        expect(JSON.stringify(fast), id).not.toContain("secret");
      }
    }
    expect(differences).toEqual([]);
  });
});

test("every failure left the same record on both, and none told a secret", () => {
  const [connectEs, fast] = pair.map(({ facts }) => facts.map(({ requestId, outcomeCode, reason, resource, notes, protocol }) => ({ requestId, outcomeCode, reason, resource, notes, protocol })));
  expect(fast!.length).toBeGreaterThan(500);
  expect(fast).toEqual(connectEs);
  expect(JSON.stringify(fast)).not.toContain("secret");
});
