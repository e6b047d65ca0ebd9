/** What a store has room for: counted while it is written, measured again in time, and never out of what is kept. */
import { describe, expect, it } from "vitest";
import { fail, Failure, Reason } from "../errors.js";
import { roomMarginBytes, roomRemeasureBytes, roomRemeasureMs } from "../limits.js";
import { createMemoryStore } from "./memory.js";
import { type Claim, createRoom, isNoRoom } from "./room.js";
import type { Transaction } from "./store.js";

/** A put of so many bytes takes half as much again, as pages of a tree are two thirds full. */
const taken = (bytes: number): number => bytes * 1.5;
const reservedBytes = 1_000;

function setUp(freeBytes: number) {
  const medium = { free: reservedBytes + freeBytes, looks: 0 };
  const clock = { nowMs: 0 };
  const room = createRoom({ medium: { roomBytes: () => (medium.looks++, medium.free) }, reservedBytes, nowMs: () => clock.nowMs });
  const put = (claim: Claim, bytes: number): void => claim.over({ put: () => {} } as unknown as Transaction).put(new Uint8Array(4), new Uint8Array(bytes - 4));
  /** Claims room for one put; gives the claim, or undefined where it is refused. */
  const claim = (bytes: number): Claim | undefined => {
    const one = room.claim();
    put(one, bytes);
    try {
      one.take();
      return one;
    } catch (thrown) {
      expect(thrown).toMatchObject({ reason: Reason.STORE_UNAVAILABLE });
      expect(isNoRoom(thrown as Failure)).toBe(true);
      return undefined;
    }
  };
  return { medium, clock, room, put, claim };
}

describe("changes that grow a store", () => {
  it("are taken up to what is kept, and not a byte of that", () => {
    const { claim } = setUp(taken(300));
    expect(claim(100)).toBeDefined();
    expect(claim(100)).toBeDefined();
    expect(claim(102)).toBeUndefined();
    expect(claim(100)).toBeDefined();
    expect(claim(8)).toBeUndefined();
  });

  it("count as they are when their work was run for the last time", () => {
    const { room, put } = setUp(taken(100));
    const claim = room.claim();
    put(claim, 500);
    put(claim, 100);
    expect(() => claim.take()).not.toThrow();
  });

  it("are run again in what they took themselves", () => {
    const { room, put } = setUp(taken(100));
    const claim = room.claim();
    for (let run = 0; run < 3; run++) {
      put(claim, 100);
      claim.take();
    }
  });

  it("that are not written yet still count when the medium is measured", () => {
    const { medium, clock, claim } = setUp(taken(300));
    const open = claim(200);
    clock.nowMs = roomRemeasureMs;
    expect(claim(200)).toBeUndefined();
    // It is written: now the medium says so.
    open?.release();
    open?.release();
    medium.free -= taken(200);
    clock.nowMs *= 2;
    expect(claim(200)).toBeUndefined();
    expect(claim(100)).toBeDefined();
  });

  it("see what others take or give back, in time or where they would be refused", () => {
    const { medium, clock, claim } = setUp(taken(1_000));
    expect(claim(100)).toBeDefined();
    medium.free = reservedBytes;
    clock.nowMs = roomRemeasureMs - 1;
    expect(claim(100)).toBeDefined();
    clock.nowMs = roomRemeasureMs;
    expect(claim(100)).toBeUndefined();
    medium.free = reservedBytes + taken(300);
    expect(claim(100)).toBeDefined();
  });

  it("are measured again once much was written", () => {
    const { medium, claim } = setUp(roomRemeasureBytes * 10);
    claim(Math.ceil(roomRemeasureBytes / 3))?.release();
    claim(Math.ceil(roomRemeasureBytes / 3))?.release();
    expect(medium.looks).toBe(1);
    claim(100)?.release();
    expect(medium.looks).toBe(2);
  });
});

describe("a room", () => {
  it("is full while less is left than a change may take", () => {
    const { medium, room } = setUp(roomMarginBytes);
    expect(room.isFull()).toBe(false);
    medium.free--;
    expect(room.isFull()).toBe(true);
  });

  it("lets a transaction do what it does", async () => {
    const store = createMemoryStore();
    const claim = setUp(1_000_000).room.claim();
    const [a, b] = [Uint8Array.of(1), Uint8Array.of(2)];
    const all = { gte: Uint8Array.of(0), lt: Uint8Array.of(9) };
    await store.transact((tx) => {
      const over = claim.over(tx);
      over.put(a, b);
      over.put(b, a);
      over.remove(b);
      expect(over.get(a)).toEqual(b);
      expect([[...over.range(all)].length, [...over.keys(all)].length]).toEqual([1, 1]);
    });
    expect(store.get(a)).toEqual(b);
  });

  it("is not what other failures of a store are about", () => {
    expect(isNoRoom(fail(Reason.STORE_UNAVAILABLE))).toBe(false);
    expect(isNoRoom(fail(Reason.RATE_LIMITED, { room: "reserved" }))).toBe(false);
  });
});
