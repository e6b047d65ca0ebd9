// Walks the path of a stranger, from packed tarballs in an empty folder: init, install, edit, generate, start, conformance.

import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** What the path needs; where the packages are published, npm finds them by name. */
const packages = ["gen", "sdk/generator", "server", "conformance"];
const startTimeoutMs = 60_000;

const folder = mkdtempSync(join(tmpdir(), "parapet-stranger-"));
const project = join(folder, "notes");
const port = await freePort();
const begun = performance.now();
let server;
let failed = false;
try {
  mkdirSync(project);
  run("pack", ["npm", "pack", "--silent", "--pack-destination", folder, ...packages.flatMap((name) => ["-w", name])], root);
  const tarballs = readdirSync(folder).filter((name) => name.endsWith(".tgz")).map((name) => join(folder, name));
  const [contract, generator] = ["contract", "generator"].map((name) => tarballs.find((path) => path.includes(`parapet-${name}-`)));

  run("1 init", ["npm", "exec", "--yes", "--package", generator, "--package", contract, "--", "parapet-generate", "init", "."]);
  run("2 install", ["npm", "install", "--no-audit", "--no-fund", "--silent", ...tarballs]);
  const handlers = text("src/services/notes-service.ts");
  edit();
  run("3 generate", ["npm", "run", "generate"]);
  await start("4 start");
  run("5 conformance", ["npm", "run", "conformance"]);

  // What the edit asked for is served, and nothing that a person wrote has changed.
  const token = JSON.parse(text("tokens.json")).roles.reader[0];
  const counted = await fetch(`http://127.0.0.1:${port}/v1/books/handbook:count`, { headers: { "x-api-key": token } });
  check("the RPC that was added answers", counted.status === 200, `HTTP ${counted.status}`);
  check("hand-written handlers stay", text("src/services/notes-service.ts") === handlers);
  run("check", ["npm", "exec", "--", "parapet-generate", "check", ...JSON.parse(text("package.json")).scripts.generate.split("parapet-generate ")[1].split(" ")]);
  run("lint", ["npm", "exec", "--", "buf", "lint", "proto"]);
} catch (error) {
  failed = true;
  console.error(`strangers-path: ${error.message}`);
} finally {
  if (server !== undefined) process.kill(-server.pid, "SIGTERM");
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}
console.log(`strangers-path: ${failed ? "FAILED" : "passed"} in ${((performance.now() - begun) / 1000).toFixed(1)} s`);
process.exitCode = failed ? 1 : 0;

function run(name, [command, ...args], cwd = project) {
  const start = performance.now();
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8", env: { ...process.env, npm_config_loglevel: "error" } });
  console.log(`strangers-path: ${name.padEnd(14)} ${((performance.now() - start) / 1000).toFixed(1)} s`);
  if (status !== 0) throw new Error(`${name} ended with ${status}\n${stdout}\n${stderr}`);
}

function text(path) {
  return readFileSync(join(project, path), "utf8");
}

function check(what, holds, got = "") {
  if (!holds) throw new Error(`${what}: it does not ${got}`);
}

/** One more RPC in the contract, and a port that is free on this machine. */
function edit() {
  const proto = "proto/notes/v1/notes_service.proto";
  const rpc = `  // Counts the notes of a book.
  rpc CountNotes(CountNotesRequest) returns (CountNotesResponse) {
    option idempotency_level = NO_SIDE_EFFECTS;
    option (google.api.http) = {get: "/v1/books/{book}:count"};
    option (parapet.policy.v1.method) = {
      access: {
        permission: {
          right: RIGHT_READ
          resource_field: "book"
        }
      }
      limit: {bucket: "notes"}
      audit: {
        action: "note.count"
        resource: "books/{book}"
        level: AUDIT_LEVEL_NONE
      }
    };
  }

  // Removes all notes of a book.`;
  const messages = `
// Which book to count.
message CountNotesRequest {
  // The book.
  string book = 1;
}

// How many there are.
message CountNotesResponse {
  // Notes of the book.
  uint32 notes = 1;
}
`;
  writeFileSync(join(project, proto), text(proto).replace("  // Removes all notes of a book.", rpc) + messages);
  writeFileSync(join(project, "package.json"), text("package.json").replace("127.0.0.1:8080", `127.0.0.1:${port}`));
}

async function start(name) {
  const begin = performance.now();
  server = spawn("npm", ["start"], { cwd: project, detached: true, stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, PORT: String(port) } });
  let said = "";
  await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${name} says nothing in ${startTimeoutMs / 1000} s\n${said}`)), startTimeoutMs);
    const settle = (act) => {
      clearTimeout(timer);
      act();
    };
    for (const stream of [server.stdout, server.stderr]) {
      stream.setEncoding("utf8").on("data", (chunk) => {
        said += chunk;
        if (said.includes("listening on")) settle(resolve);
      });
    }
    server.on("exit", (code) => settle(() => reject(new Error(`${name} ended with ${code}\n${said}`))));
  });
  console.log(`strangers-path: ${name.padEnd(14)} ${((performance.now() - begin) / 1000).toFixed(1)} s`);
}

function freePort() {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port: found } = probe.address();
      probe.close(() => resolve(found));
    });
  });
}
