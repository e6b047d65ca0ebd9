/** A contract whose names and comments mean something in TypeScript: what is generated compiles, starts and answers. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Writable } from "node:stream";
import { promisify } from "node:util";
import { createProgram, type RpcCommand } from "@parapet/cli";
import { main as conform } from "@parapet/conformance";
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
  const out = ["server=.", "typescript=gen/client", "rest=gen/rest", "cli=gen/cli", "conformance=gen/conformance", "conformance-contract=gen/conformance", "openapi-module=gen/openapi"];
  await run(process.execPath, [generator, "--proto", protos, "--out", join(folder, "src"), ...out.flatMap((target) => ["--target", target])]);
  // Compiled with the rest: what callers of such a method write.
  await writeFile(join(folder, "src/turn.ts"), `import { createClient } from "@parapet/sdk/runtime";
import { openTurn } from "./gen/client/index.js";
export const turn = async (baseUrl: string, apiKey: string): Promise<unknown[]> => await openTurn(createClient({ baseUrl, apiKey }), { any: ["thing", { at: "all" }] });
`);
  await run(process.execPath, [generator, "credentials", "--resource", "shelves/1/books/2"], { cwd: folder });
}, 60_000);
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** What a server of the contract is called with. */
interface Running {
  readonly url: string;
  readonly key: string;
  readonly cases: readonly { readonly method: string; readonly kind: string; readonly request: unknown }[];
}

async function withServer(use: (running: Running) => Promise<void>): Promise<void> {
  const server = spawn(process.execPath, ["dist/main.js"], { cwd: folder, env: { ...process.env, PORT: "0" }, stdio: ["ignore", "pipe", "inherit"] });
  try {
    const [line] = (await once(createInterface(server.stdout), "line")) as [string];
    const { roles } = JSON.parse(await readFile(join(folder, "tokens.json"), "utf8")) as { roles: Record<string, string[]> };
    const { cases } = (await import(join(folder, "dist/gen/conformance/cases.js"))) as Pick<Running, "cases">;
    await use({ url: line.replace("listening on ", ""), key: roles["admin"]![0]!, cases });
  } finally {
    server.kill();
    await once(server, "exit");
  }
}

class Sink extends Writable {
  text = "";
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

describe("a contract of odd names", () => {
  const unary = [
    "odd.library.v1.LibService/DeleteBook", "odd.library.v1.LibService/GetBook", "odd.library.v1.LibService/ListBooks", "odd.library.v1.LibService/PrintBook", "odd.library.v1.LibService/UpdateBook",
    "odd.other.v1.Router/Same", "odd.v1.CLASSService/Same", "odd.v1.ClassService/Same", "odd.v1.Object/Same", "odd.v1.OpenService/Turn", "odd.v1.Router/Same", "odd.v1.Services/Same",
    "odd.v1.class/Same", "odd.v1.class/__proto__", "odd.v1.class/constructor", "odd.v1.class/delete", "odd.v1.class/toString", "then/then",
  ];

  it("compiles, starts, and every call of one request answers with its sample", async () => {
    await run(tool("tsc"), ["-p", folder]);
    await withServer(async ({ url, key, cases }) => {
      const answers: Record<string, number> = {};
      for (const { method, request } of cases.filter(({ kind }) => kind === "unary")) {
        const response = await fetch(`${url}/${method}`, { method: "POST", headers: { "content-type": "application/json", "x-api-key": key }, body: JSON.stringify(request) });
        answers[method] = response.status;
      }
      expect(answers).toEqual(Object.fromEntries(unary.map((method) => [method, 200])));
      const { turn } = (await import(join(folder, "dist/turn.js"))) as { turn: (url: string, key: string) => Promise<unknown[]> };
      expect(await turn(url, key)).toEqual(["value"]);
    });
  }, 60_000);

  it("has a command line that makes each of them", async () => {
    const { rpcCommands } = (await import(join(folder, "dist/gen/cli/commands.js"))) as { rpcCommands: readonly RpcCommand[] };
    await withServer(async ({ url, key, cases }) => {
      const env = { ODD_CLI_SERVER: url, ODD_CLI_API_KEY: key, ODD_CLI_CONFIG_DIR: folder };
      // Once as its users start it; the rest without a process each.
      const { stdout } = await run(process.execPath, [join(folder, "dist/gen/cli/main.js"), "lib", "get-book", "shelves/1/books/2"], { env: { ...process.env, ...env } });
      expect(JSON.parse(stdout)).toMatchObject({ title: "title" });
      const program = createProgram({ name: "odd", summary: "", commands: rpcCommands, server: "http://127.0.0.1:1" });
      const said: Record<string, string> = {};
      for (const { group, name, method } of rpcCommands.filter((each) => each.method.kind === "unary")) {
        const [out, err] = [new Sink(), new Sink()];
        const { request } = cases.find((each) => each.method === method.name)!;
        said[method.name] = `${await program({ argv: [group, name, "--request", JSON.stringify(request)], env, stdout: out, stderr: err })}${err.text}`;
      }
      expect(said).toEqual(Object.fromEntries(unary.map((method) => [method, "0"])));
    });
  }, 60_000);

  it("passes its conformance: paths of several segments, of fields within fields, and raw bodies too", async () => {
    await withServer(async ({ url }) => {
      const out = new Sink();
      const files = ["--contract", join(folder, "src/gen/conformance/contract.json"), "--credentials", join(folder, "tokens.json")];
      const argv = ["run", "--profile", "contract", "--target", url, ...files, "--only", "AN-01,AZ-02,AZ-08,ER-01", "--protocol", "grpc/h2,rest/h1"];
      expect([await conform({ argv, env: {}, stdout: out, stderr: out, now: Date.now, newSeed: () => 1 }), out.text]).toEqual([0, expect.stringMatching(/^PASSED: .* 8 results: 8 PASS$/m)]);
      expect(out.text).toContain('not tried over REST, since no path of theirs takes "shelves/1/books/2" as the resource: LibService/ListBooks\n');
    });
  }, 60_000);

  it("has an OpenAPI document with a title, whose tags are told apart", async () => {
    const { openapiJson } = (await import(join(folder, "src/gen/openapi/document.ts"))) as { openapiJson: string };
    const { info, tags, paths } = JSON.parse(openapiJson) as { info: { title: string }; tags: { name: string }[]; paths: Record<string, { post: { tags: string[] } }> };
    expect(info.title).toBe("Odd");
    expect(tags.map(({ name }) => name)).toEqual(["LibService", "odd.other.v1.Router", "ClassService", "OpenService", "Router", "class", "then"]);
    expect(paths["/v1/other"]!.post.tags).toEqual(["odd.other.v1.Router"]);
  });
});
