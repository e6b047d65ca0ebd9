/** Figures come out as medians, ratios as peer by ours, options as they were asked for. */
import { toBinary } from "@bufbuild/protobuf";
import { DocumentSchema } from "@parapet/contract/parapet/document/v1/document_pb";
import { describe, expect, it } from "vitest";
import { documentBytes, sampleDocument } from "../load/document.js";
import { renderTable } from "../text/table.js";
import { readOptions } from "./options.js";
import { median, ratioResults, rowResult, type Sample } from "./results.js";
import { comparisons, rows, scheduleOf, selectRows } from "./rows.js";

function sample(cpuMicrosPerRequest: number): Sample {
  return { requestsPerSecond: 1e6 / cpuMicrosPerRequest, p50Ms: 1, p99Ms: 2, cpuMicrosPerRequest };
}

describe("results", () => {
  it.each([
    [[3], 3],
    [[9, 1, 5], 5],
    [[4, 1, 3, 2], 2.5],
  ])("the median of %o is %f", (values, expected) => expect(median(values)).toBe(expected));

  it("a row is reported as its medians", () => {
    expect(rowResult(rows[0]!, [sample(100), sample(300), sample(200)])).toMatchObject({ name: rows[0]!.name, cpuMicrosPerRequest: 200, requestsPerSecond: 5000 });
  });

  it("a ratio is the peer's CPU time by ours, larger where ours is cheaper", () => {
    const { name, ours, peer, target } = comparisons[0]!;
    const samples = new Map([
      [ours, [sample(50), sample(100), sample(10)]],
      [peer, [sample(100), sample(400), sample(15)]],
    ]);
    expect(ratioResults(samples)).toEqual([{ name, value: 2, target }]);
  });

  it("a comparison without one of its rows is left out", () => {
    expect(ratioResults(new Map([[comparisons[0]!.ours, [sample(1)]]]))).toEqual([]);
  });

  it("every comparison names rows that are measured", () => {
    for (const { ours, peer } of comparisons) expect(rows).toEqual(expect.arrayContaining([ours, peer]));
  });

  it("a round measures every row, tight comparisons several times, and every other round backwards", () => {
    const first = scheduleOf(rows, 1);
    const tight = comparisons.find(({ repeats }) => repeats !== undefined)!;
    expect(new Set(first)).toEqual(new Set(rows));
    expect(first.filter((row) => row === tight.ours)).toHaveLength(tight.repeats!);
    expect(first.filter((row) => row === tight.peer)).toHaveLength(tight.repeats!);
    expect(scheduleOf(rows, 2)).toEqual([...first].reverse());
    expect(scheduleOf([tight.ours], 1)).toEqual([tight.ours]);
  });

  it("the document is exactly as long as it is said to be", () => {
    expect(toBinary(DocumentSchema, sampleDocument())).toHaveLength(documentBytes);
  });
});

describe("options", () => {
  it("select rows by name or protocol, whatever the case", () => {
    expect(selectRows(["GRPC-WEB"]).every(({ protocol }) => protocol === "grpc-web")).toBe(true);
    expect(selectRows(["fastify"])).toHaveLength(1);
    expect(selectRows(["no such row"])).toEqual([]);
    expect(selectRows([])).toBe(rows);
  });

  it("take rounds and seconds, also beside --quick", () => {
    expect(readOptions(["--quick", "--rounds", "5", "--seconds", "0.2", "--only", "a", "--only", "b"])).toMatchObject({ rounds: 5, seconds: 0.2, only: ["a", "b"] });
  });

  it.each([[["--rounds", "0"]], [["--rounds", "1.5"]], [["--seconds", "x"]], [["--frobnicate"]]])("refuse %o", (argv) => expect(() => readOptions(argv)).toThrow());
});

describe("a table", () => {
  it("aligns words to the left and numbers to the right", () => {
    const columns = [
      { title: "name", text: (row: [string, number]) => row[0] },
      { title: "n", text: (row: [string, number]) => String(row[1]), right: true },
    ];
    expect(renderTable(columns, [["a", 5], ["longer", 100]])).toBe(["name      n", "──────  ───", "a         5", "longer  100"].join("\n"));
  });
});
