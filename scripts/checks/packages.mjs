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
const peersTs = `import { createParapetClient, paginate, result } from "@parapet/sdk/connect";
import { createPaginate } from "@parapet/sdk/connect/runtime";
import { createParapetClient as createWebClient, validating } from "@parapet/sdk/connect/web";
import { createRestClient, paginate as restPaginate, result as restResult, stream, unwrap, type RestCallOptions } from "@parapet/sdk/rest";
import { createRuledClient } from "@parapet/sdk/rest/runtime";
import { createFakeServer, refuse } from "@parapet/sdk/testing";
import { documentsGet } from "@parapet/sdk";
export const run = async (): Promise<string> => {
  const { documents, close } = createParapetClient({ baseUrl: "http://test", protocol: "grpc", apiKey: "k" });
  const { document } = await documents.get({ collection: "docs", key: "a" });
  for await (const found of paginate(documents.search, { collection: "docs" })) if (found.key) return found.lang;
  const outcome = await result(documents.get, { collection: "docs", key: "a" });
  if (!outcome.ok && outcome.error.reason === "DOCUMENT_NOT_FOUND") return outcome.error.requestId + typeof createPaginate + typeof validating + typeof createRuledClient;
  close();
  for await (const message of createWebClient({ baseUrl: "http://test", protocol: "grpc-web" }).documents.export({ collection: "docs" })) if (message.document) return message.document.key;
  const rest = createRestClient({ baseUrl: "http://test" });
  const options = { timeoutMs: 500 } satisfies RestCallOptions;
  const got = await unwrap(rest.GET("/v1/collections/{collection}/documents/{key}", { params: { path: { collection: "docs", key: "a" } }, ...options }));
  for await (const found of restPaginate(rest, "post", "/v1/search", { body: { collection: "docs" } })) if (found.key) return found.key;
  for await (const exported of stream(rest, "post", "/v1/export", { body: { collection: "docs" } })) if (exported.key) return exported.lang;
  const health = await restResult(rest, "get", "/health");
  if (!health.ok && health.error.reason === "SHUTTING_DOWN") return health.error.requestId;
  createFakeServer().on(documentsGet, () => refuse("DOCUMENT_NOT_FOUND"));
  return got.key + (document?.key ?? "");
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
const node = (...args) => [process.execPath, ...args];
const importing = (specifier, check) => node("--input-type=module", "-e", `import * as it from "${specifier}"; if (!(${check})) throw new Error("not as expected")`);
const requiring = (specifier, check) => node("--no-warnings", "-e", `const it = require("${specifier}"); if (!(${check})) throw new Error("not as expected")`);
const both = (specifier, check) => ({ [`import ${specifier}`]: importing(specifier, check), [`require ${specifier}`]: requiring(specifier, check) });
/** A consumer in TypeScript, compiled by both compilers and both ways of resolving. */
const typed = (consumer, more = {}) => ({ "consumer.ts": consumer, "nodenext.json": strict({ module: "NodeNext", ...more }), "bundler.json": strict({ module: "ESNext", moduleResolution: "bundler", ...more }) });
const onNode = { types: ["node"] };
const compiled = {
  "TypeScript 5.9, nodenext": [tool("tsc"), "-p", "nodenext.json"],
  "TypeScript 5.9, bundler": [tool("tsc"), "-p", "bundler.json"],
  "TypeScript 7, nodenext": [typescript7, "-p", "nodenext.json"],
};
const bundled = (file, platform) => ({ [`esbuild for ${platform}`]: [tool("esbuild"), file, "--bundle", `--platform=${platform}`, "--format=esm", "--outfile=bundle.js", "--log-level=warning"] });
const bin = (name, ...args) => ({ [`${name} ${args.join(" ")}`]: [`node_modules/.bin/${name}`, ...args] });

/** Packages: where they are, which others of ours they need, what a stranger writes, and what must then work. */
const packages = {
  contract: {
    folder: "gen",
    files: {
      ...typed(`import { DocumentService } from "@parapet/contract/parapet/document/v1/document_service_pb";\nimport type { paths } from "@parapet/contract/openapi/types";\nexport const name: "Get" | string = DocumentService.method.get.name;\nexport type Add = paths["/v1/add"]["post"];\n`),
      "browser.mjs": `export { DocumentService } from "@parapet/contract/web/parapet/document/v1/document_service_pb";`,
      "proto/acme/v1/shop.proto": policyProto,
      "buf.yaml": readFileSync(join(root, "gen/README.md"), "utf8").match(/```yaml\n([\s\S]*?)```/)[1],
    },
    checks: {
      ...both("@parapet/contract/parapet/document/v1/document_service_pb", "it.DocumentService.method.get"),
      ...both("@parapet/contract/web/parapet/document/v1/document_service_pb", "it.DocumentService.method.get"),
      "buf build with the policy options": [join(root, "node_modules/.bin/buf"), "build"],
      ...bundled("browser.mjs", "browser"),
      ...compiled,
    },
  },
  sdk: {
    folder: "sdk/typescript",
    needs: ["contract"],
    files: {
      ...typed(consumerTs),
      "browser.mjs": `import { Parapet } from "@parapet/sdk"; globalThis.parapet = new Parapet({ baseUrl: "/" });`,
    },
    checks: {
      ...both("@parapet/sdk", "it.Parapet && it.documentsGet"),
      ...both("@parapet/sdk/webhooks", "it.verifyWebhook"),
      ...both("@parapet/sdk/webhooks/runtime", "it.verifyEvent"),
      ...both("@parapet/sdk/logging", "it.createLoggingHooks"),
      ...both("@parapet/sdk/testing", "it.createFakeServer"),
      ...bundled("browser.mjs", "browser"),
      ...compiled,
    },
  },
  "sdk + peers": {
    folder: "sdk/typescript",
    needs: ["contract"],
    peers: ["@bufbuild/protobuf", "@connectrpc/connect", "@connectrpc/connect-node", "@connectrpc/connect-web", "openapi-fetch", "@types/node"],
    files: {
      ...typed(peersTs, onNode),
      "browser.mjs": `export { createParapetClient } from "@parapet/sdk/connect/web"; export { createRestClient } from "@parapet/sdk/rest"; export { createFakeServer } from "@parapet/sdk/testing";`,
    },
    checks: {
      ...both("@parapet/sdk/connect", "it.createParapetClient({ baseUrl: 'http://127.0.0.1:9', protocol: 'grpc' }).documents.get"),
      ...both("@parapet/sdk/connect/web", "it.createParapetClient({ baseUrl: 'http://127.0.0.1:9', protocol: 'grpc-web' }).documents.get"),
      ...both("@parapet/sdk/rest", "it.createRestClient({ baseUrl: 'http://127.0.0.1:9' }).GET && it.paginate && it.stream"),
      ...both("@parapet/sdk/connect/runtime", "it.createTransport && it.createPaginate"),
      ...both("@parapet/sdk/rest/runtime", "it.createRuledClient && it.createPaginate"),
      ...bundled("browser.mjs", "browser"),
      ...compiled,
    },
  },
  server: {
    folder: "server",
    needs: ["contract"],
    peers: ["@types/node"],
    // The types of lmdb do not pass as an ES module.
    files: typed(`import { createParapet } from "@parapet/server";\nexport const make: (...args: never[]) => unknown = createParapet;\n`, { ...onNode, skipLibCheck: true }),
    checks: { ...both("@parapet/server", "it.createParapet && it.serve && it.docsPage('it').get('/docs')"), ...both("@parapet/server/program", "it.serve && it.variablesMarkdown()"), ...compiled },
  },
  cli: {
    folder: "sdk/cli",
    needs: ["contract", "sdk", "server"],
    peers: ["@types/node"],
    files: typed(`import { createProgram } from "@parapet/cli";\nexport const program = createProgram({ name: "acme", summary: "", commands: [], server: "http://localhost:8080" });\n`, onNode),
    checks: { ...bin("parapet", "--help"), ...bin("parapet", "config"), ...both("@parapet/cli", "it.createProgram"), ...compiled },
  },
  generator: {
    folder: "sdk/generator",
    needs: ["contract"],
    peers: ["@types/node"],
    files: typed(`import * as generator from "@parapet/generator";\nexport const names: string[] = Object.keys(generator);\n`, onNode),
    checks: { ...both("@parapet/generator", "Object.keys(it).length > 0"), ...compiled, ...bin("parapet-generate", "--help"), ...bin("protoc-gen-parapet-openapi", "--help") },
  },
  conformance: {
    folder: "conformance",
    needs: ["contract"],
    peers: ["@types/node"],
    files: typed(`import * as conformance from "@parapet/conformance";\nexport const names: string[] = Object.keys(conformance);\n`, onNode),
    checks: { ...both("@parapet/conformance", "Object.keys(it).length > 0"), ...compiled, ...bin("parapet-conformance", "--help") },
  },
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
    const same = Object.keys(tarballs).find((other) => packages[other].folder === folder);
    if (same) {
      tarballs[name] = tarballs[same];
      continue;
    }
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

async function tryOut(name, { needs = [], peers = [], files = {}, checks }, tarballs) {
  const home = join(work, name);
  for (const [path, text] of Object.entries({ "package.json": '{ "private": true, "type": "commonjs" }', ...files })) {
    mkdirSync(dirname(join(home, path)), { recursive: true });
    writeFileSync(join(home, path), text);
  }
  const all = {
    install: [...npm, "install", "--ignore-scripts", "--prefer-offline", ...[...needs, name].map((one) => tarballs[one]), ...peers.map((peer) => `${peer}@${versionOf(peer)}`)],
    ...checks,
    publint: [tool("publint"), tarballs[name], "--strict"],
    attw: [tool("attw"), tarballs[name], "--profile", "esm-only", "--format", "ascii", "--no-color"],
  };
  for (const [what, command] of Object.entries(all)) {
    const { ok, output } = await execute(command, home);
    if (!ok) failures++;
    console.log(`packages: ${name.padEnd(12)} ${ok ? "ok    " : "FAILED"} ${what}`);
    if (!ok) console.log(output.trim());
    if (!ok && what === "install") return;
  }
}

/** The version of a package that this repository is built with. */
function versionOf(name) {
  const { packages: all } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  return all[`node_modules/${name}`].version;
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
