// Packs every package, installs each alone in an empty directory, and uses it there as a stranger would; publint and attw look at the tarballs.

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const tools = join(root, "tools/packages");
const tool = (name) => join(tools, "node_modules/.bin", name);
const typescript7 = join(root, "node_modules/.bin/tsc");

const consumerTs = `import { Parapet, ParapetError, createClient, documentsGet } from "@parapet/sdk";
import { createPacedFetch } from "@parapet/sdk/pacing";
import { verifyWebhook } from "@parapet/sdk/webhooks";
const parapet = new Parapet({ baseUrl: "http://test", apiKey: "k", fetch: createPacedFetch() });
export const run = async (): Promise<string> => {
  const result = await parapet.documents.get({ collection: "docs", key: "a" }).result();
  if (!result.ok && result.error.reason === "DOCUMENT_NOT_FOUND") return result.error.requestId;
  const { document } = await documentsGet(createClient({ baseUrl: "http://test" }), { collection: "docs", key: "a" });
  return document?.key ?? String(new ParapetError({ code: "unknown", reason: "UNSPECIFIED", message: "" }) && verifyWebhook);
};
`;
const policyProto = `syntax = "proto3";
package acme.v1;
import "parapet/policy/v1/policy.proto";
service Shop { rpc Get(GetRequest) returns (GetResponse) { option (parapet.policy.v1.method) = { access: { public: {} } }; } }
message GetRequest {}
message GetResponse {}
`;
const strangersClient = `import { drive } from "@parapet/battery/client";
await drive(({ url, credential }) => async ({ call, signal }) => {
  const response = await fetch(url + "/" + call, { method: call === "create" ? "POST" : "GET", headers: { authorization: "Bearer " + credential }, signal });
  return response.json();
});
`;
const strict = (compilerOptions) => JSON.stringify({ compilerOptions: { strict: true, noEmit: true, target: "ES2022", lib: ["ES2022", "DOM", "DOM.Iterable"], types: [], ...compilerOptions }, files: ["consumer.ts"] });
const nodeNext = strict({ module: "NodeNext" });
const bundler = strict({ module: "ESNext", moduleResolution: "bundler" });
const node = (...args) => [process.execPath, ...args];
const importing = (specifier, check) => node("--input-type=module", "-e", `import * as it from "${specifier}"; if (!(${check})) throw new Error("not as expected")`);
const requiring = (specifier, check) => node("--no-warnings", "-e", `const it = require("${specifier}"); if (!(${check})) throw new Error("not as expected")`);
const both = (specifier, check) => ({ [`import ${specifier}`]: importing(specifier, check), [`require ${specifier}`]: requiring(specifier, check) });
const bin = (name, ...args) => ({ [`${name} ${args.join(" ")}`]: [`node_modules/.bin/${name}`, ...args] });

/** Packages: where they are, which others of ours they need, what a stranger writes, and what must then work. */
const packages = {
  contract: {
    folder: "gen",
    files: {
      "proto/acme/v1/shop.proto": policyProto,
      "buf.yaml": readFileSync(join(root, "gen/README.md"), "utf8").match(/```yaml\n([\s\S]*?)```/)[1],
    },
    checks: {
      ...both("@parapet/contract/parapet/document/v1/document_service_pb", "it.DocumentService.method.get"),
      ...both("@parapet/contract/web/parapet/document/v1/document_service_pb", "it.DocumentService.method.get"),
      "buf build with the policy options": [join(root, "node_modules/.bin/buf"), "build"],
    },
  },
  sdk: {
    folder: "sdk/typescript",
    needs: ["contract"],
    files: {
      "consumer.ts": consumerTs,
      "nodenext.json": nodeNext,
      "bundler.json": bundler,
      "browser.mjs": `import { Parapet } from "@parapet/sdk"; globalThis.parapet = new Parapet({ baseUrl: "/" });`,
    },
    checks: {
      ...both("@parapet/sdk", "it.Parapet && it.documentsGet"),
      ...both("@parapet/sdk/webhooks", "it.verifyWebhook"),
      ...both("@parapet/sdk/logging", "it.createLoggingHooks"),
      ...both("@parapet/sdk/testing", "it.createFakeServer"),
      "esbuild for browsers": [tool("esbuild"), "browser.mjs", "--bundle", "--platform=browser", "--format=esm", "--outfile=bundle.js", "--log-level=warning"],
      "TypeScript 5.9, nodenext": [tool("tsc"), "-p", "nodenext.json"],
      "TypeScript 5.9, bundler": [tool("tsc"), "-p", "bundler.json"],
      "TypeScript 7, nodenext": [typescript7, "-p", "nodenext.json"],
    },
  },
  server: { folder: "server", needs: ["contract"], checks: both("@parapet/server", "it.createParapet && it.serve && it.docsPage('it').get('/docs')") },
  cli: { folder: "sdk/cli", needs: ["contract", "sdk", "server"], checks: bin("parapet", "--help") },
  generator: { folder: "sdk/generator", needs: ["contract"], checks: { ...both("@parapet/generator", "Object.keys(it).length > 0"), ...bin("parapet-generate", "--help"), ...bin("protoc-gen-parapet-openapi", "--help") } },
  conformance: { folder: "conformance", needs: ["contract"], checks: { ...both("@parapet/conformance", "Object.keys(it).length > 0"), ...bin("parapet-conformance", "--help") } },
  battery: {
    folder: "sdk/battery",
    files: { "your-client.mjs": strangersClient },
    checks: {
      ...both("@parapet/battery", "it.scenarios.length === 9"),
      ...bin("battery", "--help"),
      // Bare fetch repeats nothing, and takes a page for an answer: the verdicts are known.
      "battery -- node your-client.mjs": node("-e", `const { execFileSync } = require("node:child_process");
const table = JSON.parse(execFileSync("node_modules/.bin/battery", ["--json", "--only", "reset-post,html-page,cut-body", "--", process.execPath, "your-client.mjs"], { encoding: "utf8" }));
const said = ["reset-post", "html-page", "cut-body"].map((id) => table[id].text).join();
if (said !== "never retries,bare SyntaxError,bare TypeError") throw new Error(said);`),
    },
  },
};

const start = performance.now();
const work = mkdtempSync(join(tmpdir(), "parapet-packages-"));
const npm = ["npm", "--no-audit", "--no-fund", "--no-update-notifier"];
let failures = 0;
try {
  if (!existsSync(tool("publint"))) await must([...npm, "ci", "--ignore-scripts", "--prefix", tools], root);
  const tarballs = {};
  for (const [name, { folder }] of Object.entries(packages)) {
    const output = await must([...npm, "pack", "--json", "--pack-destination", work], join(root, folder));
    tarballs[name] = join(work, JSON.parse(output.slice(output.indexOf("[\n")))[0].filename);
  }
  const queue = Object.entries(packages);
  const lane = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) await tryOut(next[0], next[1], tarballs);
  };
  await Promise.all([lane(), lane()]);
} finally {
  rmSync(work, { recursive: true, force: true });
}
console.log(`packages: ${failures === 0 ? "all work" : `${failures} FAILED`} (${((performance.now() - start) / 1000).toFixed(0)} s)`);
process.exitCode = failures === 0 ? 0 : 1;

async function tryOut(name, { needs = [], files = {}, checks }, tarballs) {
  const home = join(work, name);
  for (const [path, text] of Object.entries({ "package.json": '{ "private": true, "type": "commonjs" }', ...files })) {
    mkdirSync(dirname(join(home, path)), { recursive: true });
    writeFileSync(join(home, path), text);
  }
  const all = {
    install: [...npm, "install", "--ignore-scripts", "--prefer-offline", ...[...needs, name].map((one) => tarballs[one])],
    ...checks,
    publint: [tool("publint"), tarballs[name], "--strict"],
    // Of a package that is only a command there are no types to look at.
    ...(name === "cli" ? {} : { attw: [tool("attw"), tarballs[name], "--profile", "esm-only", "--format", "ascii", "--no-color"] }),
  };
  for (const [what, command] of Object.entries(all)) {
    const { ok, output } = await execute(command, home);
    if (!ok) failures++;
    console.log(`packages: ${name.padEnd(12)} ${ok ? "ok    " : "FAILED"} ${what}`);
    if (!ok) console.log(output.trim());
    if (!ok && what === "install") return;
  }
}

async function must(command, cwd) {
  const { ok, output } = await execute(command, cwd);
  if (!ok) throw new Error(`${command.join(" ")}\n${output}`);
  return output;
}

function execute([command, ...args], cwd) {
  return new Promise((resolve) => {
    const path = [join(root, "node_modules/.bin"), process.env.PATH].join(delimiter);
    const child = spawn(command, args, { cwd, env: { ...process.env, PATH: path, NO_COLOR: "1" }, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (output += text));
    child.on("error", (error) => resolve({ ok: false, output: `${command}: ${error.message}` }));
    child.on("close", (code) => resolve({ ok: code === 0, output }));
  });
}
