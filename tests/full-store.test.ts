/** A store without room: changes that grow it are refused by name while there is still room for all others, and it says so until there is room again. */
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Variant, variants } from "../conformance/src/wire/wire.js";
import { verifyLog } from "../server/src/audit/verify.js";
import { openLmdbStore } from "../server/src/store/lmdb.js";
import { faultsOf } from "../server/src/testing/document-invariants.js";
import { adminPassword, freshDirectory, type ServerProcess, startProcess } from "./process.js";
import { patienceMs, until, within } from "./waiting.js";
import { type Answer, createCaller } from "./world.js";

const timeoutMs = 300_000;
const tenant = "default";
const collection = "d";
const reading = variants.find(({ label }) => label === "connect-json/h1")!;
const ways: readonly Variant[] = ["rest/h1", "grpc/h2", "grpc-web/h1", "connect-proto/h2"].map((label) => variants.find((variant) => variant.label === label)!);
const mebibyte = 1024 * 1024;

/** Where a store has little room, and how it gets more. */
interface Place {
  readonly path: string;
  readonly variables: Readonly<Record<string, string>>;
  /** Takes what room is left for the server's own part, or gives it back; absent: only deletions make room. */
  readonly crowd?: (on: boolean) => void;
  leave(): void;
}

const mount = (directory: string): boolean => spawnSync("mount", ["-t", "tmpfs", "-o", "size=64m", "tmpfs", directory]).status === 0;
const unmount = (directory: string): void => void spawnSync("umount", [directory]);

/** Whether a disk of its own can be had here. */
const canMount = ((): boolean => {
  const { path, remove } = freshDirectory();
  const mounted = mount(path);
  if (mounted) unmount(path);
  remove();
  return mounted;
})();
if (!canMount) console.warn("left out: a store whose disk others fill (nothing can be mounted here)");

const places: Readonly<Record<string, () => Place>> = {
  "whose size is bounded": () => {
    const { path, remove } = freshDirectory();
    return { path, variables: { PARAPET_STORE_BYTES_MAX: "12MiB", PARAPET_STORE_BYTES_RESERVED: "4MiB" }, leave: remove };
  },
  "of two processes, whose size is bounded": () => {
    const { path, remove } = freshDirectory();
    return { path, variables: { PARAPET_STORE_BYTES_MAX: "12MiB", PARAPET_STORE_BYTES_RESERVED: "4MiB", PARAPET_WORKERS: "2" }, leave: remove };
  },
  "whose disk others fill": () => {
    const { path, remove } = freshDirectory();
    const disk = join(path, "disk");
    mkdirSync(disk);
    expect(mount(disk)).toBe(true);
    const crowd = join(disk, "crowd");
    return {
      path: disk,
      variables: { PARAPET_STORE_BYTES_RESERVED: "8MiB" },
      crowd: (on) => (on ? writeFileSync(crowd, Buffer.alloc(44 * mebibyte)) : rmSync(crowd)),
      leave: () => {
        unmount(disk);
        remove();
      },
    };
  },
};

for (const [what, open] of Object.entries(places)) {
  describe.skipIf(what.includes("disk") && !canMount)(`a store ${what}`, () => {
    let place: Place;
    const kept: string[] = [];
    let server: ServerProcess;
    let caller: ReturnType<typeof createCaller>;
    let admin: { readonly bearer: string };
    const send = (variant: Variant, method: string, request: JsonValue): Promise<Answer> => caller.send(variant, method, request, { credential: admin });
    const login = async (): Promise<Answer> => caller.send(reading, "AuthService/Login", { username: "admin", password: adminPassword }, {});
    const ready = async (): Promise<readonly [status: number, detail: unknown]> => {
      const response = await fetch(`${server.url}/ready`, { signal: AbortSignal.timeout(patienceMs) });
      return [response.status, ((await response.json()) as JsonObject)["detail"]];
    };
    const add = async (variant: Variant, key: string, bytes: number): Promise<Answer> => {
      const answer = await send(variant, "DocumentService/Add", { collection, key, contentMd: "x".repeat(bytes), meta: { tag: ["a", "b"] } });
      if (answer.code === "ok") kept.push(key);
      return answer;
    };
    const fill = async (label: string, bytes: number): Promise<Answer[]> => {
      const refused: Answer[] = [];
      for (let number = 0; refused.length < 2 * ways.length; number++) {
        const answer = await add(ways[number % ways.length]!, `${label}-${number}`, bytes);
        if (answer.code !== "ok") refused.push(answer);
      }
      return refused;
    };
    const expectFull = ({ code, reason, error }: Answer): void => {
      expect([code, reason, error?.domains, error?.metadata]).toEqual(["unavailable", "STORE_UNAVAILABLE", ["parapet"], { room: "reserved" }]);
      expect(error?.message).toBe("the store is full: what room is left is kept for deletions and for the audit log");
    };
    const records = async (action: string): Promise<JsonObject[]> => {
      const [{ records: found }] = (await send(reading, "AuditService/ListAuditRecords", { action, limit: 1_000 })).messages as unknown as [{ records: JsonObject[] }];
      return found;
    };

    beforeAll(async () => {
      place = open();
      server = await startProcess(place.path, place.variables);
      caller = createCaller(server.port, patienceMs);
      const [{ token }] = (await login()).messages as [{ token: string }];
      admin = { bearer: token };
    }, timeoutMs);
    afterAll(async () => {
      caller.close();
      server.kill("SIGKILL");
      await server.ended;
      place.leave();
    }, timeoutMs);

    it("refuses changes that grow it, by name, over every protocol, and says that it is not ready", async () => {
      expect(await ready()).toEqual([200, undefined]);
      place.crowd?.(true);
      for (const answer of await fill("large", 256 * 1024)) expectFull(answer);
      for (const answer of await fill("small", 512)) expectFull(answer);
      expect(kept.length).toBeGreaterThan(10);
      for (const [method, request] of [
        ["DocumentService/AddBatch", { collection, documents: [{ key: "batch", contentMd: "x".repeat(65_536) }] }],
        ["DocumentService/Update", { collection, key: kept[0]!, contentMd: "x".repeat(300_000), updateMask: "contentMd" }],
        ["DocumentService/Import", { collection, document: { key: "imported", contentMd: "x".repeat(65_536) } }],
      ] as const) expectFull(await send(reading, method, request));
      expect(await ready()).toEqual([503, "the store is full: it takes no change that grows it"]);
      expect((await fetch(`${server.url}/health`, { signal: AbortSignal.timeout(patienceMs) })).status).toBe(200);
    }, timeoutMs);

    it("goes on with reads, logins, refusals and their records, changes of rights and deletions", async () => {
      for (const variant of ways) expect((await send(variant, "DocumentService/Get", { collection, key: kept[0]! })).reason).toBe("-");
      for (let count = 0; count < 20; count++) expect((await login()).reason).toBe("-");
      expect((await caller.send(reading, "AuthService/Login", { username: "admin", password: "wrong" }, {})).reason).toBe("LOGIN_FAILED");
      const outcomes = (await records("auth.login")).map(({ result }) => result);
      expect([outcomes.filter((result) => result === "success").length >= 21, outcomes.includes("denied") || outcomes.includes("failure")]).toEqual([true, true]);
      expect((await records("document.add")).some(({ result, reason }) => result !== "success" && reason === "STORE_UNAVAILABLE")).toBe(true);
      expect((await send(reading, "AuthService/SetPermission", { username: "admin", collection: "d", read: true })).reason).toBe("-");
      expect((await send(reading, "DocumentService/Delete", { collection, key: kept.shift()! })).reason).toBe("-");
    }, timeoutMs);

    it("counts the refusals of a caller who tries again and again, so that they do not fill what is kept", async () => {
      const before = (await records("document.add")).length;
      const tries = 200;
      await Promise.all(Array.from({ length: tries }, (_, number) => add(reading, `again-${number}`, 512 * 1024).then(expectFull)));
      await until("they are in the log", async () => {
        const added = (await records("document.add")).slice(0, -before || undefined);
        return added.reduce((sum, { count }) => sum + Math.max(1, Number(count ?? 1)), 0) >= tries;
      });
      expect((await records("document.add")).length - before).toBeLessThan(tries / 4);
    }, timeoutMs);

    it("takes them again, and is ready, as soon as there is room", async () => {
      if (place.crowd !== undefined) place.crowd(false);
      else while (kept.some((key) => key.startsWith("large-"))) {
        const key = kept.find((each) => each.startsWith("large-"))!;
        expect((await send(reading, "DocumentService/Delete", { collection, key })).reason).toBe("-");
        kept.splice(kept.indexOf(key), 1);
      }
      await until("it is ready", async () => (await ready())[0] === 200);
      for (const variant of ways) expect((await add(variant, `after-${variant.label}`, 256 * 1024)).reason).toBe("-");
    }, timeoutMs);

    it("is whole", async () => {
      server.kill("SIGTERM");
      expect(await within("the server ends", server.ended)).toEqual({ code: 0, signal: null });
      const store = openLmdbStore({ directory: join(place.path, "data") });
      try {
        expect((await verifyLog(store, tenant)).faults).toEqual([]);
        expect(faultsOf(store, tenant, collection)).toEqual([]);
      } finally {
        await store.close();
      }
    }, timeoutMs);
  });
}
