// Prints what one method, and what everything, weighs in a user's bundle: minified, then gzip -9. Needs esbuild or, where that is not installed, rolldown.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const entry = (name) => fileURLToPath(new URL(`../dist/${name}`, import.meta.url));

/** Bundles of users, by name. */
const bundles = {
  "one method": `import { createClient, documentsAdd } from ${JSON.stringify(entry("index.js"))};
export const call = (request) => documentsAdd(createClient({ baseUrl: "https://parapet.example", apiKey: "k" }), request);`,
  "one method that pages": `import { createClient, documentsSearch } from ${JSON.stringify(entry("index.js"))};
export const call = (request) => documentsSearch(createClient({ baseUrl: "https://parapet.example", apiKey: "k" }), request);`,
  "one stream": `import { createClient, documentsExport } from ${JSON.stringify(entry("index.js"))};
export const call = (request) => documentsExport(createClient({ baseUrl: "https://parapet.example", apiKey: "k" }), request);`,
  "the whole facade": `import { Parapet } from ${JSON.stringify(entry("index.js"))};
export const parapet = new Parapet({ baseUrl: "https://parapet.example", apiKey: "k" });`,
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
const folder = mkdtempSync(join(tmpdir(), "parapet-size-"));
try {
  for (const [what, text] of Object.entries(bundles)) {
    const file = join(folder, "entry.mjs");
    writeFileSync(file, text);
    const bytes = Buffer.from(await bundlers[name](module, file));
    console.log(`size: ${what.padEnd(22)} ${String(gzipSync(bytes, { level: 9 }).length).padStart(6)} bytes gzip, ${bytes.length} minified (${name})`);
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
