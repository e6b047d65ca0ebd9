// Runs one scenario of the packed SDK on Node, Bun, Deno and workerd, and its tracing hooks with OpenTelemetry's own tracer.

import { spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = fileURLToPath(new URL("../..", import.meta.url));
const password = "runtimes of others";
/** An answer through the cutting proxy ends here, in bytes; an export has about four times as many. */
const cutAfter = 8_000;
const npm = ["npm", "--no-audit", "--no-fund", "--no-update-notifier"];

// Not `npm ci`: where a registry does not offer the runtimes of every platform the lock file cannot name them all, which that takes for a fault.
if (!existsSync(join(here, "node_modules/workerd"))) await run([...npm, "install", "--no-save", "--ignore-scripts"], here);
const folder = mkdtempSync(join(here, ".made-"));
const closers = [() => rmSync(folder, { recursive: true, force: true })];
let failures = 0;
try {
  await install();
  const url = await startServer();
  const where = { url, cutUrl: await startCuttingProxy(Number(new URL(url).port)), silentUrl: await startSilentServer(), password };
  const expected = [
    "signed in as admin",
    "added what was read again",
    "found 40 of 40 by page",
    "imported 2",
    "missing: DOCUMENT_NOT_FOUND",
    "late: DEADLINE_PASSED",
    "left: CALL_CANCELLED",
    "nobody there: NETWORK_FAILED",
    "exported 42 of 42 over several connections",
    "gRPC-Web: the same over several connections",
    "REST: the same over several connections",
    "listed by page over gRPC-Web and REST: 42, 42",
    "missing over gRPC-Web: DOCUMENT_NOT_FOUND 200",
    "webhook: a text",
    "secrets in the log: false",
  ];
  for (const [name, walk] of Object.entries(runtimes())) {
    await tell(name, async () => {
      const seen = await walk({ ...where, name });
      const wrong = expected.filter((line) => !seen.includes(line));
      if (wrong.length > 0) throw new Error(`wanted ${JSON.stringify(wrong)}, saw ${JSON.stringify(seen)}`);
      return `${seen.length} of ${expected.length} steps`;
    });
  }
  await tell("OpenTelemetry", () => traced(url));
} finally {
  for (const close of closers.reverse()) await Promise.resolve(close());
}
console.log(`\nruntimes: ${failures === 0 ? "all held" : `${failures} FAILED`}`);
process.exit(failures === 0 ? 0 : 1);

/** Installs the packed SDK with its peers where the scenarios stand. */
async function install() {
  const tarballs = [];
  for (const one of ["gen", "sdk/typescript"]) {
    const output = await run([...npm, "pack", "--json", "--pack-destination", folder], join(root, one));
    tarballs.push(join(folder, JSON.parse(output.slice(output.indexOf("[\n")))[0].filename));
  }
  writeFileSync(join(folder, "package.json"), '{ "private": true, "type": "module" }');
  await run([...npm, "install", "--ignore-scripts", "--prefer-offline", ...tarballs, "@bufbuild/protobuf@2.17.0", "@connectrpc/connect@2.2.0", "@connectrpc/connect-web@2.2.0", "openapi-fetch@0.17.0"], folder);
  for (const file of ["scenario.mjs", "tracing.ts"]) copyFileSync(join(here, file), join(folder, file));
  writeFileSync(join(folder, "main.mjs"), 'import process from "node:process";\nimport { scenario } from "./scenario.mjs";\nconsole.log(JSON.stringify(await scenario(JSON.parse(process.env.WHERE))));\n');
}

/** How the scenario is run on each runtime. */
function runtimes() {
  const bun = binary("@oven", "bin/bun");
  const deno = binary("@deno", "deno");
  const workerd = binary("@cloudflare", "bin/workerd");
  const program = (command) => async (where) => JSON.parse(await run([...command, "main.mjs"], folder, { WHERE: JSON.stringify(where) }));
  return {
    [`Node ${process.versions.node}`]: program([process.execPath]),
    ...(bun && { Bun: program([bun, "run"]) }),
    ...(deno && { Deno: program([deno, "run", "--no-prompt", "--allow-net=127.0.0.1", "--allow-env=WHERE", "--allow-read=."]) }),
    ...(workerd && { workerd: (where) => onWorkerd(workerd, where) }),
  };
}

async function onWorkerd(workerd, where) {
  const worker = `import { scenario } from "./scenario.mjs";
export default {
  async fetch(request) {
    try {
      return Response.json(await scenario(await request.json()));
    } catch (error) {
      return Response.json([String(error.stack)]);
    }
  },
};`;
  writeFileSync(join(folder, "worker-entry.mjs"), worker);
  await run([join(here, "node_modules/.bin/esbuild"), "worker-entry.mjs", "--bundle", "--format=esm", "--conditions=workerd", "--outfile=worker.mjs", "--log-level=warning"], folder);
  const port = await freePort();
  writeFileSync(
    join(folder, "config.capnp"),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [ (name = "main", worker = .main), (name = "internet", network = (allow = ["private"])) ],
  sockets = [ (name = "http", address = "127.0.0.1:${port}", http = (), service = "main") ],
);
const main :Workerd.Worker = ( modules = [ (name = "worker", esModule = embed "worker.mjs") ], compatibilityDate = "2026-11-01" );
`,
  );
  const child = spawn(workerd, ["serve", "config.capnp"], { cwd: folder, stdio: ["ignore", "inherit", "inherit"] });
  try {
    for (let tries = 0; ; tries++) {
      const response = await fetch(`http://127.0.0.1:${port}`, { method: "POST", body: JSON.stringify(where) }).catch((error) => {
        if (tries > 100) throw error;
      });
      if (response) return await response.json();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  } finally {
    child.kill();
  }
}

/** The hooks compile against OpenTelemetry's types, their spans have the right parent, and their context goes over the wire. */
async function traced(url) {
  const strict = { strict: true, noEmit: true, target: "ES2022", lib: ["ES2022", "DOM", "DOM.Iterable"], types: [], module: "NodeNext", skipLibCheck: true };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: strict, files: ["tracing.ts"] }));
  await run([join(root, "node_modules/.bin/tsc"), "-p", "tsconfig.json"], folder);
  await run([join(here, "node_modules/.bin/esbuild"), "tracing.ts", "--bundle", "--packages=external", "--format=esm", "--platform=node", "--outfile=tracing.mjs", "--log-level=warning"], folder);
  const { tracing } = await import(pathToFileURL(join(folder, "tracing.mjs")).href);
  const sent = [];
  const spans = await tracing(url, (_, { headers }) => sent.push(headers.get("traceparent")));
  const wanted = [
    /^parapet\.system\.v1\.SystemService\/GetHealth under its work, CLIENT, HTTP 200, no error, (\w+-\w+)$/,
    /^parapet\.auth\.v1\.AuthService\/GetMe under its work, CLIENT, HTTP 401, CREDENTIAL_MISSING, (\w+-\w+)$/,
    /^its work alone, /,
  ];
  wanted.forEach((pattern, at) => {
    const [, id] = pattern.exec(spans[at] ?? "") ?? [];
    if (id === undefined && at < 2) throw new Error(`span ${at} is not as wanted: ${JSON.stringify(spans)}`);
    if (at < 2 && sent[at] !== `00-${id}-01`) throw new Error(`span ${id} was not sent along: ${JSON.stringify(sent)}`);
  });
  if (spans.length !== wanted.length) throw new Error(`not three spans: ${JSON.stringify(spans)}`);
  return "two spans under one, sent along";
}

async function startServer() {
  const { loadConfig, createApp, silentLog } = await import(pathToFileURL(join(root, "server/dist/index.js")).href);
  const { config } = loadConfig({ env: { PARAPET_ADDR: "127.0.0.1:0", PARAPET_STORE: "memory", PARAPET_AUTH_ADMIN_PASSWORD: password, PARAPET_RATE_LIMIT_REQUESTS: "100000", PARAPET_DRAIN_TIMEOUT: "1s" }, directory: folder });
  const app = await createApp({ config, log: silentLog });
  const port = await app.listen();
  closers.push(() => app.close());
  return `http://127.0.0.1:${port}`;
}

/** A proxy that resets each connection once it has answered so many bytes. */
async function startCuttingProxy(port) {
  const sockets = new Set();
  const server = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    let left = cutAfter;
    for (const [from, to] of [[near, far], [far, near]]) {
      sockets.add(from);
      from.on("error", () => to.destroy());
      from.on("close", () => (sockets.delete(from), to.destroy()));
      from.on("data", (chunk) => {
        to.write(from === far ? chunk.subarray(0, left) : chunk);
        if (from === far && (left -= chunk.length) <= 0) near.resetAndDestroy();
      });
    }
  });
  closers.push(() => (sockets.forEach((socket) => socket.destroy()), server.close()));
  return listening(server);
}

async function startSilentServer() {
  const server = createHttpServer(() => {});
  closers.push(() => (server.closeAllConnections(), server.close()));
  return listening(server);
}

async function listening(server) {
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${server.address().port}`;
}

async function freePort() {
  const server = createServer();
  const url = await listening(server);
  await new Promise((resolve) => server.close(resolve));
  return Number(new URL(url).port);
}

/** The program in the package of this platform; undefined where there is none. */
function binary(scope, path) {
  const scoped = join(here, "node_modules", scope);
  const found = (existsSync(scoped) ? readdirSync(scoped) : []).flatMap((name) => [path, `${path}.exe`].map((one) => join(scoped, name, one)));
  return found.find(existsSync);
}

async function tell(name, work) {
  const start = performance.now();
  const [state, words] = await work().then(
    (text) => ["held  ", text],
    (error) => ["FAILED", error.message],
  );
  if (state === "FAILED") failures++;
  console.log(`${state} ${name.padEnd(14)} ${words} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
}

function run([command, ...args], cwd, env = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env: { ...process.env, NO_COLOR: "1", ...env }, stdio: ["ignore", "pipe", "pipe"], timeout: 120_000 });
    const output = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"]) child[name].setEncoding("utf8").on("data", (text) => (output[name] += text));
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve(output.stdout) : reject(new Error(`${command} ${args.join(" ")} failed (${code}):\n${output.stdout}${output.stderr}`))));
  });
}
