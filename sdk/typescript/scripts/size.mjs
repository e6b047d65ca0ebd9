// Weighs what users bundle, minified and then gzip -9, and fails where a budget is overrun. Needs esbuild or, where that is not installed, rolldown.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const entry = (name) => fileURLToPath(new URL(`../dist/${name}`, import.meta.url));

const one = (method) => `import { createClient, ${method} } from ${JSON.stringify(entry("index.js"))};
export const call = (request) => ${method}(createClient({ baseUrl: "https://parapet.example", apiKey: "k" }), request);`;

/** Bundles of users, each with its budget in bytes. */
const bundles = {
  "one method": { max: 5_000, text: one("documentsAdd") },
  "one method that pages": { max: 5_200, text: one("documentsSearch") },
  "one stream": { max: 5_500, text: one("documentsExport") },
  "the whole facade": {
    max: 25_000,
    text: `import { Parapet } from ${JSON.stringify(entry("index.js"))};
export const parapet = new Parapet({ baseUrl: "https://parapet.example", apiKey: "k" });`,
  },
  "gRPC-Web, one service": {
    max: 41_000,
    text: `import { createClient } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { DocumentService } from "@parapet/contract/web/parapet/document/v1/document_service_pb";
import { createTransport } from ${JSON.stringify(entry("connect/web.js"))};
export const documents = createClient(DocumentService, createTransport({ baseUrl: "https://parapet.example", apiKey: "k" }, createGrpcWebTransport));`,
  },
  "gRPC-Web, everything": {
    max: 50_000,
    text: `import { createParapetClient } from ${JSON.stringify(entry("connect/web.js"))};
export const parapet = createParapetClient({ protocol: "grpc-web", baseUrl: "https://parapet.example", apiKey: "k" });`,
  },
};

/** Bundlers in order of preference: each turns a file into minified text. */
const bundlers = {
  async esbuild({ build }, file) {
    const { outputFiles } = await build({ entryPoints: [file], bundle: true, minify: true, format: "esm", target: "es2022", write: false, logLevel: "error" });
    return outputFiles[0].text;
  },
  async rolldown({ rolldown }, file) {
    const bundle = await rolldown({ input: file });
    const { output } = await bundle.generate({ format: "esm", minify: true });
    return output[0].code;
  },
};

const { name, module } = await firstInstalled(Object.keys(bundlers));
// Beside the package, so that its peers are found.
const folder = mkdtempSync(fileURLToPath(new URL("../dist/size-", import.meta.url)));
try {
  for (const [what, { max, text }] of Object.entries(bundles)) {
    const file = join(folder, "entry.mjs");
    writeFileSync(file, text);
    const bytes = Buffer.from(await bundlers[name](module, file));
    const { length } = gzipSync(bytes, { level: 9 });
    const over = length > max;
    if (over) process.exitCode = 1;
    console.log(`size: ${what.padEnd(22)} ${String(length).padStart(6)} of ${max} bytes gzip${over ? ": OVER BUDGET" : ""} (${bytes.length} minified, ${name})`);
  }
} finally {
  rmSync(folder, { recursive: true });
}

async function firstInstalled(names) {
  for (const candidate of names) {
    const found = await import(candidate).catch(() => undefined);
    if (found) return { name: candidate, module: found };
  }
  throw new Error(`none of these is installed: ${names.join(", ")}`);
}
