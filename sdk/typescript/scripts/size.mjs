// Weighs what users bundle, minified by rolldown and then gzip -9, and fails where a budget is overrun.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { rolldown } from "rolldown";

const entry = (name) => fileURLToPath(new URL(`../dist/${name}`, import.meta.url));

const one = (method) => `import { createClient, ${method} } from ${JSON.stringify(entry("index.js"))};
export const call = (request) => ${method}(createClient({ baseUrl: "https://parapet.example", apiKey: "k" }), request);`;

/** Bundles of users, each with its budget in bytes. */
const bundles = {
  "one method": { max: 5_000, text: one("documentsAdd") },
  "one method that pages": { max: 5_000, text: one("documentsSearch") },
  "one stream": { max: 5_000, text: one("documentsExport") },
  "events alone": {
    max: 2_000,
    text: `import { verifyEvent } from ${JSON.stringify(entry("webhooks/runtime.js"))};
export const receive = (input) => verifyEvent(input, ["document.updated"]);`,
  },
  "the whole facade": {
    max: 25_000,
    text: `import { Parapet } from ${JSON.stringify(entry("index.js"))};
export const parapet = new Parapet({ baseUrl: "https://parapet.example", apiKey: "k" });`,
  },
  "gRPC-Web, one service": {
    max: 38_000,
    text: `import { createClient } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { DocumentService } from "@parapet/contract/web/parapet/document/v1/document_service_pb";
import { createTransport } from ${JSON.stringify(entry("connect/web.js"))};
export const documents = createClient(DocumentService, createTransport({ baseUrl: "https://parapet.example", apiKey: "k" }, createGrpcWebTransport));`,
  },
  "gRPC-Web, with helpers": {
    max: 39_000,
    text: `import { createClient } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { DocumentService } from "@parapet/contract/web/parapet/document/v1/document_service_pb";
import { createTransport, paginate, result } from ${JSON.stringify(entry("connect/web.js"))};
const documents = createClient(DocumentService, createTransport({ baseUrl: "https://parapet.example", apiKey: "k" }, createGrpcWebTransport));
export const pages = () => paginate(documents.search, { collection: "docs" });
export const get = (key) => result(documents.get, { collection: "docs", key });`,
  },
  "REST": {
    max: 10_500,
    text: `import { createRestClient } from ${JSON.stringify(entry("rest/index.js"))};
export const rest = createRestClient({ baseUrl: "https://parapet.example", apiKey: "k" });`,
  },
  "REST, with helpers": {
    max: 11_500,
    text: `import { createRestClient, paginate, result, stream } from ${JSON.stringify(entry("rest/index.js"))};
const rest = createRestClient({ baseUrl: "https://parapet.example", apiKey: "k" });
export const pages = () => paginate(rest, "post", "/v1/search", { body: { collection: "docs" } });
export const exported = () => stream(rest, "post", "/v1/export", { body: { collection: "docs" } });
export const health = () => result(rest, "get", "/health");`,
  },
  "gRPC-Web, everything": {
    max: 45_000,
    text: `import { createParapetClient } from ${JSON.stringify(entry("connect/web.js"))};
export const parapet = createParapetClient({ protocol: "grpc-web", baseUrl: "https://parapet.example", apiKey: "k" });`,
  },
};

// Beside the package, so that its peers are found.
const folder = mkdtempSync(fileURLToPath(new URL("../dist/size-", import.meta.url)));
try {
  for (const [what, { max, text }] of Object.entries(bundles)) {
    const file = join(folder, "entry.mjs");
    writeFileSync(file, text);
    const bundle = await rolldown({ input: file });
    const { output } = await bundle.generate({ format: "esm", minify: true });
    const bytes = Buffer.from(output[0].code);
    const { length } = gzipSync(bytes, { level: 9 });
    const over = length > max;
    if (over) process.exitCode = 1;
    console.log(`size: ${what.padEnd(22)} ${String(length).padStart(6)} of ${max} bytes gzip${over ? ": OVER BUDGET" : ""} (${bytes.length} minified)`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
