/** Request ids are UUIDs that begin with the time, each its own. */
import { expect, it } from "vitest";
import { createRequestIds } from "./request-id.js";

it("gives UUIDs of version 7, none twice, across draws of random bytes", () => {
  const newId = createRequestIds();
  const ids = Array.from({ length: 2_000 }, newId);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(new Set(ids).size).toBe(ids.length);
});

it("begins with the time in milliseconds, so that later ones sort behind", () => {
  let now = 0x0191_2345_6789;
  const newId = createRequestIds(() => now);
  const ids: string[] = [];
  for (const step of [0, 1, 0x100, 0x1_0000_0000, 86_400_000]) {
    now += step;
    ids.push(newId());
    expect(parseInt(ids.at(-1)!.replace("-", "").slice(0, 12), 16)).toBe(now);
  }
  expect([...ids].sort()).toEqual(ids);
});

it("draws every digit everywhere else", () => {
  const newId = createRequestIds(() => 0);
  const seen = Array.from({ length: 36 }, () => new Set<string>());
  for (let i = 0; i < 2_000; i++) for (const [at, digit] of newId().split("").entries()) seen[at]!.add(digit);
  expect(seen.map(({ size }, at) => (at <= 14 || [18, 23].includes(at) ? size === 1 : at === 19 ? size === 4 : size === 16))).not.toContain(false);
});
