/** Functions of the joined program are told by the modules that they stand in. */
import { readFileSync } from "node:fs";
import type { Profiler } from "node:inspector";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { unjoin } from "./unjoin.js";

const url = new URL("../../../server/dist/program/shared.js", import.meta.url).href;

function profileOf(functionName: string, lineNumber: number, columnNumber: number, of = url): Profiler.Profile {
  return { nodes: [{ id: 1, callFrame: { functionName, scriptId: "1", url: of, lineNumber, columnNumber } }], startTime: 0, endTime: 0 };
}

it("a function of the program stands in its own module again", () => {
  const lines = readFileSync(fileURLToPath(url), "utf8").split("\n");
  const line = lines.findIndex((text) => text.startsWith("function createLookUp("));
  const { callFrame } = unjoin(profileOf("createLookUp$1", line, "function createLookUp".length)).nodes[0]!;
  expect(callFrame).toMatchObject({ functionName: "createLookUp", url: new URL("../../../server/dist/store/look-up.js", import.meta.url).href });
  const module = readFileSync(fileURLToPath(callFrame.url), "utf8").split("\n");
  expect(module[callFrame.lineNumber]).toMatch(/^export function createLookUp\(/);
});

it("what was not joined stays as it is", () => {
  for (const of of ["", "node:net", new URL("./unjoin.ts", import.meta.url).href]) {
    const profile = profileOf("a$1", 3, 4, of);
    expect(unjoin(profile)).toEqual(profile);
  }
});
