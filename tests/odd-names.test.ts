/** A contract whose names and comments mean something in TypeScript: what is generated compiles, starts and answers. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const run = promisify(execFile);
const root = fileURLToPath(new URL("..", import.meta.url));
const protos = join(root, "tests/odd-names");
const tool = (name: string): string => join(root, "node_modules/.bin", name);
const generator = join(root, "sdk/generator/bin/parapet-generate.js");

const tsconfig = {
  compilerOptions: { target: "ES2023", lib: ["ES2023", "DOM", "DOM.Iterable", "DOM.AsyncIterable"], module: "NodeNext", rootDir: "src", outDir: "dist", strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, noPropertyAccessFromIndexSignature: true, noUnusedLocals: true, noUnusedParameters: true, skipLibCheck: true, types: ["node"] },
  include: ["src"],
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "parapet-odd-names-"));
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(tsconfig));
  const image = join(folder, "contract.binpb");
  await run(process.execPath, [generator, "image", "--proto", protos, "--out", image]);
  const maps = ["google/api/**:@parapet/contract", "parapet/**:@parapet/contract", "buf/validate/**:@bufbuild/protovalidate/gen"].map((map) => `map_imports=${map}`);
  const template = { version: "v2", plugins: [{ local: tool("protoc-gen-es"), out: "src/gen", strategy: "all", opt: ["target=ts", "import_extension=js", ...maps] }] };
  await run(tool("buf"), ["generate", image, "--template", JSON.stringify(template)], { cwd: folder });
  const out = ["server=.", "typescript=gen/client", "rest=gen/rest", "cli=gen/cli", "conformance=gen/conformance", "openapi-module=gen/openapi"];
  await run(process.execPath, [generator, "--proto", protos, "--out", join(folder, "src"), ...out.flatMap((target) => ["--target", target])]);
  await run(process.execPath, [generator, "credentials", "--resource", "x"], { cwd: folder });
}, 60_000);
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe("a contract of odd names", () => {
  it("compiles, starts, and every call of one request answers with its sample, by its command line too", async () => {
    await run(tool("tsc"), ["-p", folder]);
    const server = spawn(process.execPath, ["dist/main.js"], { cwd: folder, env: { ...process.env, PORT: "0" }, stdio: ["ignore", "pipe", "inherit"] });
    try {
      const [line] = (await once(createInterface(server.stdout), "line")) as [string];
      const url = line.replace("listening on ", "");
      const { roles } = JSON.parse(await readFile(join(folder, "tokens.json"), "utf8")) as { roles: Record<string, string[]> };
      const { cases } = (await import(join(folder, "dist/gen/conformance/cases.js"))) as { cases: { method: string; kind: string; request: unknown }[] };
      const answers: Record<string, number> = {};
      for (const { method, request } of cases.filter(({ kind }) => kind === "unary")) {
        const response = await fetch(`${url}/${method}`, {
          method: "POST",
          headers: { "content-type": "application/json", "x-api-key": roles["admin"]![0]! },
          body: JSON.stringify(request),
        });
        answers[method] = response.status;
      }
      expect(answers).toEqual({
        "odd.other.v1.Router/Same": 200,
        "odd.v1.CLASSService/Same": 200,
        "odd.v1.ClassService/Same": 200,
        "odd.v1.Object/Same": 200,
        "odd.v1.Router/Same": 200,
        "odd.v1.Services/Same": 200,
        "odd.v1.class/Same": 200,
        "odd.v1.class/__proto__": 200,
        "odd.v1.class/constructor": 200,
        "odd.v1.class/delete": 200,
        "odd.v1.class/toString": 200,
        "then/then": 200,
      });

      // The generated command line, as its users start it.
      const command = async (...args: string[]): Promise<{ stdout: string }> =>
        await run(process.execPath, [join(folder, "dist/gen/cli/main.js"), ...args], { env: { ...process.env, ODD_CLI_SERVER: url, ODD_CLI_API_KEY: roles["admin"]![0]!, ODD_CLI_CONFIG_DIR: folder } });
      expect((await command("help")).stdout).toContain("odd object COMMAND");
      const { rpcCommands } = (await import(join(folder, "dist/gen/cli/commands.js"))) as { rpcCommands: { group: string; name: string; method: { name: string; kind: string } }[] };
      const unary = rpcCommands.filter(({ method }) => method.kind === "unary");
      expect(unary.map(({ method }) => method.name).sort()).toEqual(Object.keys(answers).sort());
      for (const { group, name, method } of unary) {
        const { request } = cases.find((each) => each.method === method.name)!;
        expect(JSON.parse((await command(group, name, "--request", JSON.stringify(request))).stdout)).toBeTypeOf("object");
      }
      expect((await command("complete", "--", "obj")).stdout).toBe("object\n");
    } finally {
      server.kill();
      await once(server, "exit");
    }
  }, 60_000);

  it("has an OpenAPI document with a title, whose tags are told apart", async () => {
    const { openapiJson } = (await import(join(folder, "src/gen/openapi/document.ts"))) as { openapiJson: string };
    const { info, tags, paths } = JSON.parse(openapiJson) as { info: { title: string }; tags: { name: string }[]; paths: Record<string, { post: { tags: string[] } }> };
    expect(info.title).toBe("Odd");
    expect(tags.map(({ name }) => name)).toEqual(["odd.other.v1.Router", "ClassService", "odd.v1.Router", "class", "then"]);
    expect(paths["/v1/other"]!.post.tags).toEqual(["odd.other.v1.Router"]);
  });
});
