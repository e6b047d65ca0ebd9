/** The page at `/docs`: the published OpenAPI document to read and to call, without a request to any other origin. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { StaticDocument } from "../protocols/documents.js";
import { contentSecurityPolicy } from "./csp.js";

/** Scripts carry their hash in their names, so they never change. */
const forEver = "public, max-age=31536000, immutable";

/** The page and what it loads, by path. `/openapi.json` must be there beside them. */
export function docsPage(title: string): Map<string, StaticDocument> {
  const scripts = (["styles.js", "start.js", "scalar.js.gz"] as const).map((file) => {
    const bytes = read(file);
    const [name = ""] = file.split(".");
    const body = file.endsWith(".gz") ? { gzip: bytes } : bytes;
    return { name: `${name}.${hashOf(bytes)}.js`, document: { contentType: "text/javascript; charset=utf-8", body, cacheControl: forEver } };
  });
  const page = (root: string): StaticDocument => ({
    contentType: "text/html; charset=utf-8",
    body: Buffer.from(html(title, root, scripts.map(({ name }) => name))),
    headers: [
      ["content-security-policy", contentSecurityPolicy],
      ["referrer-policy", "no-referrer"],
      ["cross-origin-opener-policy", "same-origin"],
    ],
  });
  return new Map<string, StaticDocument>([
    // Relative, so that the page works below the path of a proxy as well.
    ["/docs", page("")],
    ["/docs/", page("../")],
    ...scripts.map(({ name, document }) => [`/docs/${name}`, document] as const),
    ["/docs/LICENSE-scalar.txt", { contentType: "text/plain; charset=utf-8", body: read("LICENSE-scalar.txt") }],
  ]);
}

function html(title: string, root: string, scripts: readonly string[]): string {
  const text = title.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>${text}</title>
    <link rel="icon" href="data:,">
    <link rel="service-desc" type="application/json" href="${root}openapi.json">
${scripts.map((name) => `    <script src="${root}docs/${name}" defer></script>\n`).join("")}  </head>
  <body>
    <noscript>This page needs JavaScript. <a href="${root}openapi.json">The OpenAPI document</a> does not.</noscript>
    <div id="reference"></div>
  </body>
</html>
`;
}

function hashOf(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex").slice(0, 16);
}

function read(name: string): Buffer {
  return readFileSync(new URL(`../../assets/docs-page/${name}`, import.meta.url));
}
