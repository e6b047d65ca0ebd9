/** A profile is summed up by the time that functions ran themselves. */
import type { Profiler } from "node:inspector";
import { describe, expect, it } from "vitest";
import { row } from "../run/rows.js";
import { rowNamed } from "./profile-row.js";
import { summarise } from "./summarise.js";

function node(id: number, functionName: string, url = "", lineNumber = -1): Profiler.ProfileNode {
  return { id, callFrame: { functionName, scriptId: "0", url, lineNumber, columnNumber: 0 } };
}

/** A profile with one sample a pair: the node, and for how many microseconds it was seen. */
function profileOf(nodes: Profiler.ProfileNode[], seen: readonly (readonly [id: number, micros: number])[]): Profiler.Profile {
  return { nodes, startTime: 0, endTime: 0, samples: [...seen.map(([id]) => id), 1], timeDeltas: [7, ...seen.map(([, micros]) => micros)] };
}

describe("the summary of a profile", () => {
  const nodes = [
    node(1, "(root)"),
    node(2, "(idle)"),
    node(3, "encode", "file:///repo/server/dist/codec.js", 11),
    node(4, "", "node:internal/http2/core", 0),
    node(5, "encode", "file:///repo/server/dist/codec.js", 11),
    node(6, "(garbage collector)"),
  ];

  it("lists functions by their share of the busy time, wherever they were called from", () => {
    const { busyMs, idleMs, functions } = summarise(profileOf(nodes, [[3, 3000], [2, 90_000], [4, 2000], [5, 4000], [6, 1000]]), "/repo");
    expect({ busyMs, idleMs }).toEqual({ busyMs: 10, idleMs: 90 });
    expect(functions).toEqual([
      { name: "encode", at: "server/dist/codec.js:12", share: 0.7 },
      { name: "(anonymous)", at: "node:internal/http2/core:1", share: 0.2 },
      { name: "(garbage collector)", at: "", share: 0.1 },
    ]);
  });

  it("counts a sample until the next one", () => {
    const profile = { nodes, startTime: 0, endTime: 0, samples: [3, 4, 3], timeDeltas: [500, 10, 20] };
    expect(summarise(profile, "/repo").functions.map(({ name, share }) => [name, Math.round(share * 30)])).toEqual([["(anonymous)", 20], ["encode", 10]]);
  });

  it("adds up what lies in one folder, one package, one part of Node", () => {
    const files = ["file:///repo/server/dist/gate/act.js", "file:///repo/server/dist/gate/gate.js", "file:///repo/node_modules/@scope/name/dist/a.js", "file:///repo/node_modules/lmdb/read.js", "node:internal/http2/core", "node:internal/http2/util", "node:net"];
    const many = [node(1, "(root)"), ...files.map((url, index) => node(index + 2, `f${index}`, url, 0)), node(20, "(program)"), node(21, "writeBuffer"), node(22, "")];
    const { places } = summarise(profileOf(many, many.slice(1).map(({ id }) => [id, 1000])), "/repo");
    expect(Object.fromEntries(places.map(({ place, share }) => [place, Math.round(share * 10)]))).toEqual({ "server/dist/gate": 2, "@scope/name": 1, lmdb: 1, "node:internal/http2": 2, "node:net": 1, "(program)": 1, "built in": 2 });
  });

  it("is empty for a process that only waited", () => {
    expect(summarise(profileOf(nodes, [[2, 500]]), "/repo")).toEqual({ busyMs: 0, idleMs: 0.5, functions: [], places: [] });
  });
});

describe("the row to profile", () => {
  const rows = [row("Get", "parapet", "get", "grpc"), row("Get", "parapet", "get", "grpc-web"), row("Add", "parapet", "add", "rest")];

  it("is the one whose name and protocol are given, though others begin alike", () => expect(rowNamed("get grpc", rows)).toBe(rows[0]));
  it("is the only one that matches", () => expect(rowNamed("add", rows)).toBe(rows[2]));
  it("is a choice where several do", () => expect(rowNamed("get", rows)).toEqual([rows[0], rows[1]]));
  it("is none where none does", () => expect(rowNamed("export", rows)).toEqual([]));
});
