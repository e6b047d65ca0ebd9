// A project around a contract that is not ours, as a stranger would set it up: everything generated, compiled, started, judged.

import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { targets } from "@parapet/generator";

const root = fileURLToPath(new URL("../..", import.meta.url));
const generator = join(root, "sdk/generator/bin/parapet-generate.js");
const conformance = join(root, "conformance/bin/parapet-conformance.js");
const bin = (name) => join(root, "node_modules", name);
const startTimeoutMs = 60_000;

/** Messages by protobuf-es, from the contract with its policy applied. What is ours comes from our package. */
const template = JSON.stringify({
  version: "v2",
  plugins: [{ local: [process.execPath, bin("@bufbuild/protoc-gen-es/bin/protoc-gen-es")], out: "src/gen", strategy: "all", include_imports: true, opt: ["target=ts", "import_extension=js", "map_imports=parapet/**:@parapet/contract"] }],
});
const tsconfig = JSON.stringify({
  compilerOptions: { target: "ES2023", lib: ["ES2023", "DOM", "DOM.Iterable", "DOM.AsyncIterable"], module: "NodeNext", rootDir: "src", outDir: "dist", strict: true, noUncheckedIndexedAccess: true, verbatimModuleSyntax: true, skipLibCheck: true, types: ["node"] },
  include: ["src"],
});

/** Every target but `server`, which has a folder of its own. */
const others = targets.map(({ name }) => name).filter((name) => name !== "server");

/** Sets a project up in a folder of its own; `remove` takes it away. */
export function createProject({ proto, paths }, policy) {
  const folder = mkdtempSync(join(tmpdir(), "parapet-foreign-"));
  mkdirSync(join(folder, "src"));
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"), "junction");
  writeFileSync(join(folder, "package.json"), '{ "private": true, "type": "module" }');
  writeFileSync(join(folder, "tsconfig.json"), tsconfig);
  const contract = ["--proto", proto, ...paths.flatMap((path) => ["--path", path]), "--policy", policy];
  const run = (script, ...args) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], { cwd: folder, encoding: "utf8" });
    if (status !== 0) throw new Error(`${script.replace(/.*[\\/]/, "")} ${args.join(" ")} ended with ${status}\n${stdout}${stderr}`);
    return stdout;
  };
  return {
    folder,
    openapi: join(folder, "src/openapi/openapi.yaml"),
    remove: () => rmSync(folder, { recursive: true, force: true }),
    /** Every target, the handlers of the server and the messages that they stand on. */
    generate() {
      const said = run(generator, ...contract, "--out", "src", "--option", "openapi.license=Apache-2.0", "--option", "openapi.licenseId=Apache-2.0", "--target", "server=.", ...others.flatMap((target) => ["--target", target]));
      run(generator, "image", ...contract, "--out", "contract.binpb");
      run(bin("@bufbuild/buf/bin/buf"), "generate", "contract.binpb", "--template", template);
      return said.trim();
    },
    /** Everything that was generated, under the compiler's strict rules. */
    compile: () => run(bin("typescript/bin/tsc"), "-p", "tsconfig.json"),
    /** Starts the untouched server, and lets the suite judge it. */
    async judge() {
      run(generator, "credentials", ".", "--resource", "handbook");
      const { port, stop } = await start(folder);
      try {
        const child = spawn(process.execPath, [conformance, "run", "--profile", "contract", "--target", `http://127.0.0.1:${port}`, "--contract", "src/conformance-contract/contract.json", "--credentials", "tokens.json"], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
        const { code, said } = await ended(child);
        if (code !== 0) throw new Error(`the contract profile ended with ${code}\n${said}`);
        return said;
      } finally {
        await stop();
      }
    },
  };

}

async function start(folder) {
  const port = await freePort();
  const child = spawn(process.execPath, ["dist/main.js"], { cwd: folder, stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, PORT: String(port) } });
  const over = ended(child);
  await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`the server says nothing in ${startTimeoutMs / 1000} s`)), startTimeoutMs);
    child.stdout.on("data", (chunk) => String(chunk).includes("listening on") && resolve(clearTimeout(timer)));
    void over.then(({ code, said }) => reject(new Error(`the server ended with ${code}\n${said}`)));
  });
  return { port, stop: async () => (child.kill("SIGTERM"), await over) };
}

function ended(child) {
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (said += text));
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, said })));
}

function freePort() {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}
