// Tests the plugins as compilers run them: buf, and protoc where there is one.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type CodeGeneratorRequest, CodeGeneratorRequestSchema, CodeGeneratorResponseSchema } from "@bufbuild/protobuf/wkt";
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { main } from "../cli.js";
import { targets } from "../targets/index.js";
import { runPlugin } from "./plugin.js";

const root = fileURLToPath(new URL("../../../..", import.meta.url));
const own = join(root, "sdk/generator");
const buf = join(root, "node_modules/@bufbuild/buf/bin/buf");
const { bin } = JSON.parse(readFileSync(join(own, "package.json"), "utf8")) as { bin: Record<string, string> };
const prefix = "protoc-gen-parapet-";
/** Every target, some with options: what is said to a plugin is said to the command as well. */
const options: Readonly<Record<string, readonly string[]>> = {
  openapi: ["title=Things", "description=Things, their parts, and what else there is.", "name=things"],
  typescript: ["source=src", "facade=Things"],
};

const policy = (access: string) => `option (parapet.policy.v1.method) = {
      access: {${access}}
      limit: {exempt: true}
      audit: {action: "thing.get", resource: "things", level: AUDIT_LEVEL_NONE}
    };`;
const protos: Readonly<Record<string, string>> = {
  "acme/v1/things.proto": `syntax = "proto3";
package acme.v1;
import "google/api/annotations.proto";
import "parapet/policy/v1/policy.proto";
// Things.
service ThingService {
  // Reads a thing.
  rpc GetThing(GetThingRequest) returns (Thing) {
    option idempotency_level = NO_SIDE_EFFECTS;
    option (google.api.http) = {get: "/v1/things/{id}"};
    ${policy("public: {}")}
  }
}
// Which.
message GetThingRequest {
  string id = 1;
}
// A thing.
message Thing {
  // Set or unset.
  optional int32 size = 1;
}
`,
  "acme/parts/v1/parts.proto": `edition = "2023";
package acme.parts.v1;
import "acme/v1/things.proto";
import "parapet/policy/v1/policy.proto";
option features.field_presence = IMPLICIT;
// Parts.
service PartService {
  // Changes a part.
  rpc PutPart(Part) returns (Part) {
    ${policy("authenticated: {}")}
  }
}
// A part.
message Part {
  // Set or unset.
  string name = 1 [features.field_presence = EXPLICIT];
  // Always there.
  string colour = 2;
  // What it is a part of.
  acme.v1.Thing thing = 3;
}
`,
};

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "parapet-plugin-"));
  cpSync(join(root, ".vendor"), join(folder, "deps"), { recursive: true });
  cpSync(join(root, "proto/parapet/policy"), join(folder, "deps/parapet/policy"), { recursive: true });
  write("buf.yaml", "version: v2\nmodules:\n  - path: proto\n  - path: deps\n");
  for (const [path, text] of Object.entries(protos)) write(`proto/${path}`, text);
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function write(path: string, text: string): void {
  mkdirSync(join(folder, path, ".."), { recursive: true });
  writeFileSync(join(folder, path), text);
}

function textsIn(path: string): Record<string, string> {
  const entries = readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(entries.map((entry) => join(entry.parentPath, entry.name)).sort().map((file) => [relative(path, file), readFileSync(file, "utf8")]));
}

/** Runs buf with plugins, as anybody's buf.gen.yaml names them. */
function generate(...plugins: { readonly name: string; readonly opt?: readonly string[] }[]): { status: number | null; stderr: string } {
  const template = {
    version: "v2",
    inputs: [{ directory: "proto" }],
    plugins: plugins.map(({ name, opt = [] }) => ({ local: [process.execPath, join(own, bin[`${prefix}${name}`]!)], out: `out/${name}`, strategy: "all", opt })),
  };
  return spawnSync(process.execPath, [buf, "generate", "--template", JSON.stringify(template)], { cwd: folder, encoding: "utf8" });
}

/** What the command writes of the same contract. */
async function byCommand(): Promise<Record<string, string>> {
  const settings = Object.entries(options).flatMap(([name, all]) => all.flatMap((setting) => ["--option", `${name}.${setting}`]));
  const said: string[] = [];
  const status = await main(["--proto", join(folder, "proto"), "--out", join(folder, "wanted"), "--manifest", join(folder, "manifest.json"), ...settings], { out: () => undefined, err: (line) => void said.push(line) });
  expect({ status, said }).toEqual({ status: 0, said: [] });
  return textsIn(join(folder, "wanted"));
}

const named = (name: string) => ({ name, opt: [...(options[name] ?? []), ...(name === "server" ? ["scaffold=true"] : [])] });

describe("the plugins", () => {
  it("are there for every target, and for nothing else", () => {
    const plugins = Object.keys(bin).filter((name) => name.startsWith(prefix));
    expect(plugins.sort()).toEqual(targets.map(({ name }) => `${prefix}${name}`).sort());
  });

  it("write under buf what the command writes, of proto3 with optional fields and of an edition", { timeout: 60_000 }, async () => {
    const { status, stderr } = generate(...targets.map(({ name }) => named(name)));
    // buf warns of a plugin that does not say that it knows such fields.
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(textsIn(join(folder, "out"))).toEqual(await byCommand());
  });

  it("write under protoc what the command writes", { timeout: 60_000 }, async ({ skip }) => {
    if (spawnSync("protoc", ["--version"]).status !== 0) skip("there is no protoc here");
    // An older protoc knows no editions.
    rmSync(join(folder, "proto/acme/parts"), { recursive: true });
    // The hash is of the descriptors, which every compiler encodes in its own way.
    const hashless = ["rest", "typescript", "server", "cli", "conformance"];
    const plugins = hashless.flatMap((name) => {
      mkdirSync(join(folder, "out", name), { recursive: true });
      return [`--plugin=${prefix}${name}=${join(own, bin[`${prefix}${name}`]!)}`, `--parapet-${name}_out=out/${name}`, ...named(name).opt.map((opt) => `--parapet-${name}_opt=${opt}`)];
    });
    execFileSync("protoc", ["-Iproto", "-Ideps", ...plugins, "acme/v1/things.proto"], { cwd: folder, stdio: "pipe" });
    const wanted = Object.entries(await byCommand()).filter(([path]) => hashless.some((name) => path.startsWith(`${name}/`)));
    expect(textsIn(join(folder, "out"))).toEqual(Object.fromEntries(wanted));
  });

  it("leave alone what a person goes on with", () => {
    write("out/server/main.ts", "// Mine.\n");
    expect(generate({ name: "server" }).status).toBe(0);
    expect(Object.keys(textsIn(join(folder, "out/server"))).sort()).toEqual(["gen/server/routes.ts", "gen/server/samples.ts", "gen/server/services.ts", "main.ts"]);
    expect(readFileSync(join(folder, "out/server/main.ts"), "utf8")).toBe("// Mine.\n");
  });

  it("take a policy file", () => {
    write("proto/acme/v1/things.proto", protos["acme/v1/things.proto"]!.replace(/option \(parapet[^;]*;/, ""));
    write("policy.yaml", 'methods:\n  "*/GetThing":\n    access: {public: {}}\n    limit: {exempt: true}\n    audit: {action: thing.get, resource: things, level: AUDIT_LEVEL_NONE}\n');
    expect(generate({ name: "conformance" })).toMatchObject({ status: 1, stderr: expect.stringContaining("acme.v1.ThingService/GetThing has no policy") as string });
    expect(generate({ name: "conformance", opt: ["policy=policy.yaml"] })).toMatchObject({ status: 0, stderr: "" });
    expect(readFileSync(join(folder, "out/conformance/cases.ts"), "utf8")).toContain('role: "public"');
  });
});

describe("what is wrong", () => {
  it("with the contract is the response's error, all of it, with places", () => {
    write("proto/acme/v1/things.proto", protos["acme/v1/things.proto"]!.replace("/{id}", "/{name}").replace("exempt: true", 'bucket: "api"'));
    const { status, stderr } = generate({ name: "rest" });
    expect(status).toBe(1);
    expect(stderr).toContain("protoc-gen-parapet-rest.js");
    // A response, not a crash.
    expect(stderr).not.toMatch(/^ +at /m);
    expect(stderr).toMatch(/acme\/v1\/things\.proto:8:3: .* spends bucket "api", which no file declares/);
    expect(stderr).toMatch(/acme\/v1\/things\.proto:8:3: .* has no "name"/);
    expect(readdirSync(folder)).not.toContain("out");
  });

  it.each([
    ["openapi", "colour=red", 'unknown parameter "colour"; known: title, '],
    ["openapi", "title", 'parameter "title" has no value; write title=VALUE'],
    ["openapi", "title=A,title=B", 'parameter "title" is given twice'],
    ["openapi", "policy=nothing.yaml", "nothing.yaml: there is no such file"],
    ["server", "scaffold=yes", 'parameter "scaffold" is true or false, not "yes"'],
    ["rest", "scaffold=true", 'unknown parameter "scaffold"'],
  ])("with the parameter of %s %s is said", async (name, parameter, message) => {
    const response = fromBinary(CodeGeneratorResponseSchema, await run(name, create(CodeGeneratorRequestSchema, { parameter })));
    expect(response).toMatchObject({ file: [], error: expect.stringContaining(message) as string });
  });

  it("is not asked of a compiler: --help explains", async () => {
    const text = (await run("openapi", create(CodeGeneratorRequestSchema), "--help")).toString();
    for (const said of ["--parapet-openapi_opt", "strategy: all", "title", "policy"]) expect(text).toContain(said);
  });
});

/** What a plugin writes when it reads a request. */
async function run(name: string, request: CodeGeneratorRequest, ...args: string[]): Promise<Buffer> {
  const written: Buffer[] = [];
  await runPlugin(name, args, { stdin: Readable.from([toBinary(CodeGeneratorRequestSchema, request)]), stdout: { write: (data) => written.push(Buffer.from(data)) } });
  return Buffer.concat(written);
}
