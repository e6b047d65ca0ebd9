// Tests the skeleton of a server against goldens, and that what a person wrote stays.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { buildModel } from "../../build/build-model.js";
import { main } from "../../cli.js";
import { emitted, imageOfFile, imageOfTexts, protoHead, rpcOf } from "../../testing/contracts.js";
import { serverTarget } from "./emit.js";

describe("the skeleton of routes.proto", () => {
  it("is its golden", async () => {
    const files = emitted(serverTarget, await imageOfFile("awkward", "routes.proto"), { messages: "messages" });
    expect(files.map(({ path, once }) => `${path}${once ? " once" : ""}`)).toEqual([
      "gen/server/routes.ts", "gen/server/samples.ts", "gen/server/services.ts", "services/routes-service.ts once", "main.ts once",
    ]);
    for (const { path, content } of files.filter((file) => file.path !== "gen/server/routes.ts")) await expect(content).toMatchFileSnapshot(`golden/${path}`);
  });
});

describe("samples", () => {
  it("stand under each other, whatever streams", async () => {
    const long = Array.from({ length: 9 }, (_, at) => `string a_rather_long_name_${at} = ${at + 1};`).join(" ");
    const kinds = ["R) returns (R", "R) returns (stream R", "stream R) returns (R", "stream R) returns (stream R"];
    const rpcs = kinds.map((signature, at) => rpcOf(`Get${at}(${signature})`, `post: "/v1/${at}" body: "*"`).replace(/ *option \(google.*\n/, ""));
    const files = emitted(serverTarget, await imageOfTexts({ "long.proto": `${protoHead("long.v1")}service LongService {\n${rpcs.join("")}}\nmessage R { ${long} }\n` }));
    const samples = files.find(({ path }) => path === "gen/server/samples.ts")!.content;
    const indents = Array.from(samples.matchAll(/^( *)(?:.*fromJson\(|aRatherLongName8|\})/gm), ([, indent = ""]) => indent.length);
    // Each sample: where it begins, what it holds, where it ends; then, of all but the first, where its handler ends.
    expect(indents).toEqual([2, 4, 2, 4, 6, 4, 2, 4, 6, 4, 2, 4, 6, 4, 2, 0, 0]);
  });
});

describe("two methods of one service that differ in case alone", () => {
  it("are refused: TypeScript has one name for both", async () => {
    const image = await imageOfFile("awkward", "routes.proto");
    const model = buildModel(image);
    const [service] = model.services;
    const [method] = service!.methods;
    const twin = { ...method!, name: "twin", fullName: `${service!.fullName}/twin` };
    expect(() => serverTarget.emit({ ...model, services: [{ ...service!, methods: [method!, twin] }] }, {}, image)).toThrow(
      `${twin.fullName}: its handler would be "${method!.localName}", as that of ${method!.fullName} is (name-clash)`,
    );
  });
});

describe("files that are a person's", () => {
  let out: string;
  beforeEach(async () => {
    out = await mkdtemp(join(tmpdir(), "parapet-server-target-"));
  });
  afterEach(async () => {
    await rm(out, { recursive: true, force: true });
  });
  const awkward = fileURLToPath(new URL("../../testing/awkward", import.meta.url));
  const said: string[] = [];
  const told: string[] = [];
  const run = (...command: string[]) => runIn(".", ...command);
  const runIn = (folder: string, ...command: string[]) => main([...command, "--proto", awkward, "--out", out, "--target", `server=${folder}`], { out: (line) => void told.push(line), err: (line) => void said.push(line) });

  it("are written once, and neither overwritten nor called drift", async () => {
    expect(await run()).toBe(0);
    expect(await readFile(join(out, "main.ts"), "utf8")).toContain("createParapet");
    await writeFile(join(out, "main.ts"), "// Mine.\n");
    expect(await run()).toBe(0);
    // They are among the files that are written, once.
    expect(told.map((line) => line.replace(/^.* methods, /, ""))).toEqual([expect.stringMatching(/^(\d+) files, \1 written, 0 stale$/), expect.stringMatching(/ files, 0 written, 0 stale$/)]);
    expect(await readFile(join(out, "main.ts"), "utf8")).toBe("// Mine.\n");
    expect(await run("check")).toBe(0);
    await rm(join(out, "main.ts"));
    // Nothing that is generated needs it: there may be another.
    expect(await run("check")).toBe(0);
    await rm(join(out, "services/routes-service.ts"));
    said.length = 0;
    expect(await run("check")).toBe(1);
    expect(said).toEqual(["gone: services/routes-service.ts: it is yours, and gen/server/services.ts imports it; restore it, or generate to begin anew from samples"]);
    // As when a service is new: nothing imports its handlers yet.
    await writeFile(join(out, "gen/server/services.ts"), "// Mine.\n");
    said.length = 0;
    expect(await run("check")).toBe(1);
    expect(said).toEqual(["changed: gen/server/services.ts", "missing: services/routes-service.ts", "parapet-generate: 2 files to regenerate"]);
  });

  it("are named with the folder of their target where they are gone", async () => {
    expect(await runIn("api/server")).toBe(0);
    await rm(join(out, "api/server/services/routes-service.ts"));
    said.length = 0;
    expect(await runIn("api/server", "check")).toBe(1);
    expect(said).toEqual(["gone: api/server/services/routes-service.ts: it is yours, and api/server/gen/server/services.ts imports it; restore it, or generate to begin anew from samples"]);
  });
});
