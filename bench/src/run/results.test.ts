/** Rows come out as medians, ratios as medians of pairs, larger where ours does better. */
import { toBinary } from "@bufbuild/protobuf";
import { DocumentSchema } from "@parapet/contract/parapet/document/v1/document_pb";
import { describe, expect, it } from "vitest";
import { documentBytes, sampleDocument } from "../load/document.js";
import { renderTable } from "../text/table.js";
import type { Comparison, Figure } from "./comparisons.js";
import { readOptions } from "./options.js";
import { type Pair, ratioResults, rowResult, type Sample } from "./results.js";
import { row } from "./rows.js";

const usual: Sample = { requestsPerSecond: 1000, p50Ms: 1, p99Ms: 2, cpuMicrosPerRequest: 50, rssPeakMiB: 100 };
const ours = row("ours", "parapet", "get", "grpc");
const peer = row("peer", "grpc-js", "get", "grpc");

function comparisonOf(of: Figure, target: number | null = null): Comparison {
  return { ours, peer, blocksPerRound: 1, ratios: [{ name: "it", of, target }] };
}

function cpuPair(ourMicros: number, peerMicros: number): Pair {
  return { ours: { ...usual, cpuMicrosPerRequest: ourMicros }, peer: { ...usual, cpuMicrosPerRequest: peerMicros } };
}

describe("a row", () => {
  it("is reported as its medians, and the highest peak of memory", () => {
    const samples = [100, 300, 200].map((micros) => ({ ...usual, cpuMicrosPerRequest: micros, requestsPerSecond: 1e6 / micros, rssPeakMiB: micros }));
    expect(rowResult(ours, samples)).toEqual({
      name: "ours",
      protocol: "grpc",
      requestsPerSecond: 5000,
      p50Ms: 1,
      p99Ms: 2,
      cpuMicrosPerRequest: 200,
      rssPeakMiB: 300,
      connections: 8,
      streams: 8,
    });
  });
});

describe("a ratio", () => {
  it("is the median of pairs, not the ratio of medians: a slow second weighs on both halves of a pair", () => {
    const pairs = [cpuPair(50, 100), cpuPair(500, 1000), cpuPair(10, 20), cpuPair(10, 30), cpuPair(20, 20)];
    expect(ratioResults(comparisonOf("cpu", 1.5), pairs)).toEqual([{ name: "it", value: 2, target: 1.5, of: "cpu", low: 2, high: 2, pairs: 5 }]);
  });

  it("comes with the quartiles of its pairs", () => {
    const [result] = ratioResults(comparisonOf("cpu"), [1, 2, 3, 4, 5].map((times) => cpuPair(10, 10 * times)));
    expect(result).toMatchObject({ value: 3, low: 2, high: 4 });
  });

  it.each<[Figure, Partial<Sample>]>([
    ["cpu", { cpuMicrosPerRequest: usual.cpuMicrosPerRequest / 2 }],
    ["requests", { requestsPerSecond: usual.requestsPerSecond * 2 }],
    ["p99", { p99Ms: usual.p99Ms / 2 }],
    ["rss", { rssPeakMiB: usual.rssPeakMiB / 2 }],
  ])("of %s is 2 where ours does twice as well", (of, better) => {
    expect(ratioResults(comparisonOf(of), [{ ours: { ...usual, ...better }, peer: usual }])[0]!.value).toBe(2);
  });
});

describe("the document", () => {
  it("is exactly as long as it is said to be", () => {
    expect(toBinary(DocumentSchema, sampleDocument())).toHaveLength(documentBytes);
  });
});

describe("options", () => {
  it("take numbers, also beside --quick", () => {
    const argv = ["--quick", "--rounds", "5", "--seconds", "0.2", "--documents", "300", "--only", "a", "--only", "b"];
    expect(readOptions(argv)).toMatchObject({ rounds: 5, seconds: 0.2, documents: 300, only: ["a", "b"], cpuProfile: undefined });
  });

  it("measure a million documents unless asked for less", () => {
    expect(readOptions([])).toMatchObject({ documents: 1_000_000 });
    expect(readOptions(["--cpu-prof", "Parapet Get grpc"])).toMatchObject({ cpuProfile: "Parapet Get grpc" });
  });

  it.each([[["--rounds", "0"]], [["--rounds", "1.5"]], [["--seconds", "x"]], [["--seconds", "2"]], [["--documents", "0"]], [["--frobnicate"]]])("refuse %o", (argv) =>
    expect(() => readOptions(argv)).toThrow(),
  );
});

describe("a table", () => {
  it("aligns words to the left and numbers to the right", () => {
    const columns = [
      { title: "name", text: (cells: [string, number]) => cells[0] },
      { title: "n", text: (cells: [string, number]) => String(cells[1]), right: true },
    ];
    expect(renderTable(columns, [["a", 5], ["longer", 100]])).toBe(["name      n", "──────  ───", "a         5", "longer  100"].join("\n"));
  });
});
