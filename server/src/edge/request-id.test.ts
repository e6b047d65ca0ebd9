/** Request ids are UUIDs, each its own. */
import { expect, it } from "vitest";
import { createRequestIds } from "./request-id.js";

it("gives UUIDs of version 4, none twice, across draws of random bytes", () => {
  const newId = createRequestIds();
  const ids = Array.from({ length: 2_000 }, newId);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(new Set(ids).size).toBe(ids.length);
});

it("draws every digit everywhere", () => {
  const newId = createRequestIds();
  const seen = Array.from({ length: 36 }, () => new Set<string>());
  for (let i = 0; i < 2_000; i++) for (const [at, digit] of newId().split("").entries()) seen[at]!.add(digit);
  expect(seen.map(({ size }, at) => (at === 14 || [8, 13, 18, 23].includes(at) ? size === 1 : at === 19 ? size === 4 : size === 16))).not.toContain(false);
});
