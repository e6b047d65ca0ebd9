// Makes clients of the published OpenAPI document with other people's generators, compiles them, and runs one scenario with each; and of a document with webhooks.

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = fileURLToPath(new URL("../..", import.meta.url));
const document = join(root, "openapi/parapet.openapi.yaml");
/** Of a contract that posts events. */
const posting = join(root, "sdk/generator/src/targets/openapi/golden/webhooks.openapi.yaml");

function run(command, args, cwd = here) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} failed:\n${stdout}${stderr}`);
  return stdout;
}

if (!existsSync(join(here, "node_modules"))) run("npm", ["ci", "--no-audit", "--no-fund"]);
const bin = (name) => join(here, "node_modules/.bin", name);
const folder = mkdtempSync(join(here, ".made-"));

/** Of a contract whose messages are named as types of every language, and its fields as keywords of JSON Schema. */
const builtins = join(root, "sdk/generator/src/targets/openapi/golden/builtins.openapi.yaml");

/** Each generator: how it is run, and the scenario in its own dialect. The scenario's steps are the same. */
const generators = {
  "hey-api": {
    generate: (out, from) => run(bin("openapi-ts"), ["-i", from, "-o", out, "-c", "@hey-api/client-fetch"]),
    receiver: `
      import type { Webhooks } from "./made/index.js";
      export function received({ body }: Webhooks): string {
        switch (body.type) {
          case "order.placed": return body.data.name + " " + body.data.cents;
          case "order.paid":
          case "order.payment_failed":
          case "Order2.moneyBack.Done": return body.data.order;
          case "ping": return body.type;
        }
      }
    `,
    named: `
      import * as api from "./made/sdk.gen.js";
      export async function call(): Promise<string> {
        const { data } = await api.builtinsServiceKeep({ baseUrl: "http://server.invalid", body: { $ref: "r", type: "t", array: [{ length: 1 }] } });
        return String(data?.toString);
      }
    `,
    scenario: `
      import { client } from "./made/client.gen.js";
      import * as api from "./made/sdk.gen.js";
      export async function scenario(baseUrl: string, username: string, password: string): Promise<string[]> {
        client.setConfig({ baseUrl });
        const { data: session } = await api.authServiceLogin({ body: { username, password } });
        client.setConfig({ baseUrl, auth: () => session?.token ?? "" });
        const added = await api.documentServiceAdd({ body: { collection: "clients", key: "hey", contentMd: "# Hey", meta: { tag: ["a"] } } });
        const read = await api.documentServiceGet({ path: { collection: "clients", key: "hey" } });
        const found = await api.documentServiceSearch({ body: { collection: "clients", filterMeta: { tag: ["a"] } } });
        const missing = await api.documentServiceGet({ path: { collection: "clients", key: "nothing" } });
        return [String(added.data?.revision), String(read.data?.contentMd), String(found.data?.totalSize), String((missing.error as { reason?: string } | undefined)?.reason)];
      }
    `,
  },
  orval: {
    // It has no words for webhooks; they must not stand in its way.
    receiver: `
      import { webhooksPlaceOrder, type Order } from "./made/client.js";
      const placed = typeof webhooksPlaceOrder === "function";
      export function received({ body }: { body: { type: string; data: Partial<Order> & { order?: string } } }): string {
        if (!placed) return "";
        return body.type === "order.placed" ? body.data.name + " " + body.data.cents : body.data.order ?? body.type;
      }
    `,
    generate: (out, from) => {
      const config = join(folder, "orval.config.cjs");
      writeFileSync(config, `module.exports = { parapet: { input: ${JSON.stringify(from)}, output: { target: ${JSON.stringify(join(out, "client.ts"))}, client: "fetch", mode: "single", baseUrl: "http://server.invalid" } } };`);
      run(bin("orval"), ["--config", config]);
    },
    named: `
      import * as api from "./made/client.js";
      export async function call(): Promise<string> {
        const answer = await api.builtinsServiceKeep({ $ref: "r", type: "t", array: [{ length: 1 }] });
        return answer.status === 200 ? String(answer.data.toString) : "";
      }
    `,
    scenario: `
      import * as api from "./made/client.js";
      export async function scenario(baseUrl: string, username: string, password: string): Promise<string[]> {
        const given = globalThis.fetch;
        globalThis.fetch = (input, init) => given(String(input).replace("http://server.invalid", baseUrl), init);
        try {
          const session = await api.authServiceLogin({ username, password });
          const headers = { authorization: "Bearer " + (session.status === 200 ? session.data.token : "") };
          const added = await api.documentServiceAdd({ collection: "clients", key: "hey", contentMd: "# Hey", meta: { tag: ["a"] } }, { headers });
          const read = await api.documentServiceGet("clients", "hey", undefined, { headers });
          const found = await api.documentServiceSearch({ collection: "clients", filterMeta: { tag: ["a"] } }, { headers });
          const missing = await api.documentServiceGet("clients", "nothing", undefined, { headers });
          return [
            String(added.status === 200 ? added.data.revision : added.status), String(read.status === 200 ? read.data.contentMd : read.status),
            String(found.status === 200 ? found.data.totalSize : found.status), String(missing.status === 200 ? "found" : (missing.data as { reason?: string }).reason),
          ];
        } finally {
          globalThis.fetch = given;
        }
      }
    `,
  },
};

const { loadConfig, createApp, silentLog } = await import(pathToFileURL(join(root, "server/dist/index.js")).href);

/** Makes a client of a document, compiles it with a program of its user, and loads that program. */
async function built(name, generate, from, program) {
  const work = join(folder, name);
  run("mkdir", ["-p", join(work, "made")]);
  generate(join(work, "made"), from);
  writeFileSync(join(work, "program.ts"), program);
  writeFileSync(join(work, "package.json"), '{"type":"module"}');
  writeFileSync(join(work, "tsconfig.json"), JSON.stringify({ compilerOptions: { target: "ES2022", module: "ESNext", moduleResolution: "bundler", strict: true, skipLibCheck: true, lib: ["ES2022", "DOM", "DOM.Iterable"], types: [], outDir: "out" }, include: ["program.ts", "made"] }));
  run(bin("tsc"), ["-p", work]);
  // The output imports without extensions, as bundlers allow: bundle it, as a user would.
  run(bin("esbuild"), [join(work, "program.ts"), "--bundle", "--format=esm", "--platform=node", `--outfile=${join(work, "program.mjs")}`]);
  return import(pathToFileURL(join(work, "program.mjs")).href);
}

/** Plays the scenario of a client against a server. */
async function played(name, { generate, scenario }) {
  const { scenario: play } = await built(name, generate, document, scenario);
  const { config } = loadConfig({ env: { PARAPET_ADDR: "127.0.0.1:0", PARAPET_STORE: "memory", PARAPET_AUTH_ADMIN_PASSWORD: "clients of others" }, directory: join(folder, name) });
  const app = await createApp({ config, log: silentLog });
  const port = await app.listen();
  try {
    return await play(`http://127.0.0.1:${port}`, "admin", "clients of others");
  } finally {
    await app.close();
  }
}

/** Lets a client's types receive events. */
async function received(name, { generate, receiver }) {
  const { received: receive } = await built(`${name}-webhooks`, generate, posting, receiver);
  return [{ type: "order.placed", data: { name: "tea", cents: "5" } }, { type: "order.paid", data: { order: "o1" } }, { type: "ping", data: {} }].map((body) => receive({ body }));
}

/** Lets a client make a call with such names; tells what it asked for. */
async function named(name, { generate, named: program }) {
  const { call } = await built(`${name}-builtins`, generate, builtins, program);
  const given = globalThis.fetch;
  const asked = [];
  globalThis.fetch = async (input, init) => {
    const request = input instanceof Request ? input : new Request(input, init);
    asked.push(await request.text());
    return Response.json({ toString: "text", valueOf: "v" });
  };
  try {
    return [...asked, await call(), ...asked];
  } finally {
    globalThis.fetch = given;
  }
}

const checks = [
  { what: ", a document of names that others have taken", make: named, expected: ["text", '{"$ref":"r","type":"t","array":[{"length":1}]}'] },
  { what: "", make: played, expected: ["1", "# Hey", "1", "DOCUMENT_NOT_FOUND"] },
  { what: ", a document with webhooks", make: received, expected: ["tea 5", "o1", "ping"] },
];
const results = [];
try {
  for (const [name, generator] of Object.entries(generators)) {
    for (const { what, make, expected } of checks) {
      const shown = await make(name, generator).then(JSON.stringify, (error) => error.message);
      const holds = shown === JSON.stringify(expected);
      results.push(holds);
      console.log(`${holds ? "held  " : "FAILED"}  ${name}${what}: ${shown}`);
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`\n${results.filter(Boolean).length} passed, ${results.filter((held) => !held).length} failed`);
process.exit(results.every(Boolean) ? 0 : 1);
