/** The program that `parapet serve` starts, joined into few files, refuses what its modules refuse, in the same words. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { methods } from "../conformance/src/contract.js";
import { variants } from "../conformance/src/wire/wire.js";
import { adminPassword, freshDirectory, type ServerProcess, startProcess } from "./process.js";
import { type Answer, type Caller, createCaller, openWorld, type World } from "./world.js";

const connectJson = variants.find(({ label }) => label === "connect-json/h1")!;
const directory = freshDirectory();
let modules: World;
let program: ServerProcess;
let caller: Caller;
let token: string;

beforeAll(async () => {
  modules = await openWorld();
  program = await startProcess(directory.path);
  caller = createCaller(program.port);
  const response = await fetch(`${program.url}/v1/auth/login`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ username: "admin", password: adminPassword }) });
  token = ((await response.json()) as { token: string }).token;
}, 120_000);
afterAll(async () => {
  caller?.close();
  program?.kill("SIGKILL");
  await program?.ended;
  await modules?.close();
  directory.remove();
});

const violationsOf = ({ error }: Answer) => error?.details.filter(({ typeUrl }) => typeUrl.endsWith("/google.rpc.BadRequest"));
const broken = methods.flatMap(({ name, facts }) => facts.invalid.map(({ field, rule, request }) => [name, field, rule, request] as const));

describe("the program refuses as its modules do", () => {
  test("there are rules of many kinds to break", () => {
    expect(new Set(broken.map(([, , rule]) => rule)).size).toBeGreaterThan(5);
  });

  test.each(broken)("%s: %s, %s", async (name, _field, _rule, request) => {
    const [expected, got] = await Promise.all([
      modules.send(connectJson, name, request, { credential: modules.admin }),
      caller.send(connectJson, name, request, { credential: { bearer: token } }),
    ]);
    expect(expected.reason).toBe("FIELD_INVALID");
    expect(got.reason).toBe(expected.reason);
    expect(got.error?.message).toBe(expected.error?.message);
    expect(violationsOf(got)).toEqual(violationsOf(expected));
    expect(violationsOf(got)).not.toEqual([]);
  });
});
