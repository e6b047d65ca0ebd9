/** Puts the functions of a profile back into the modules that they were written in, where the program was joined from several. */
import { existsSync, readFileSync } from "node:fs";
import type { Profiler } from "node:inspector";
import { SourceMap } from "node:module";
import { fileURLToPath } from "node:url";

/** The same profile with the places that source maps beside the joined files tell (`X.js.map`, ECMA-426); what has none stays as it is. */
export function unjoin(profile: Profiler.Profile): Profiler.Profile {
  const maps = new Map<string, SourceMap | undefined>();
  const mapOf = (url: string): SourceMap | undefined => {
    if (!maps.has(url)) maps.set(url, readMap(url));
    return maps.get(url);
  };
  const nodes = profile.nodes.map((node) => {
    const { url, lineNumber, columnNumber } = node.callFrame;
    const origin = mapOf(url)?.findEntry(lineNumber, columnNumber);
    if (origin === undefined || !("originalSource" in origin)) return node;
    const at = { url: new URL(origin.originalSource, url).href, lineNumber: origin.originalLine, columnNumber: origin.originalColumn };
    return { ...node, callFrame: { ...node.callFrame, ...at, functionName: node.callFrame.functionName.replace(/\$\d+$/, "") } };
  });
  return { ...profile, nodes };
}

function readMap(url: string): SourceMap | undefined {
  if (!url.startsWith("file:")) return undefined;
  const file = `${fileURLToPath(url)}.map`;
  return existsSync(file) ? new SourceMap(JSON.parse(readFileSync(file, "utf8")) as ConstructorParameters<typeof SourceMap>[0]) : undefined;
}
