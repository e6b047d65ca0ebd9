/** The bench compares what it says it does, and a selection brings all that it needs. */
import { describe, expect, it } from "vitest";
import { catalogueOf, documentsWanted, select } from "./comparisons.js";

const catalogue = catalogueOf(documentsWanted);

describe("the catalogue", () => {
  it("has every ratio and every row under a name of its own", () => {
    const names = catalogue.comparisons.flatMap(({ ratios }) => ratios.map(({ name }) => name));
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
    const rows = catalogue.rows.map(({ name, protocol }) => `${name} ${protocol}`);
    expect(rows.filter((name, index) => rows.indexOf(name) !== index)).toEqual([]);
  });

  it("compares rows of the same operation with as much open at a time", () => {
    for (const { ours, peer } of catalogue.comparisons) {
      expect(ours.operation).toBe(peer.operation);
      expect(ours.shape).toEqual(peer.shape);
    }
  });

  it("shares the connections of a row evenly among its load processes", () => {
    for (const { name, shape } of catalogue.rows) expect(shape.connections % shape.loads, name).toBe(0);
  });

  it("claims the target of scale for that many documents only", () => {
    const target = (documents: number): number | null => catalogueOf(documents).comparisons.flatMap(({ ratios }) => ratios).find(({ name }) => name.includes("documents"))!.target;
    expect(target(documentsWanted)).toBe(0.9);
    expect(target(documentsWanted - 1)).toBeNull();
  });
});

describe("a selection", () => {
  it("is everything if nothing is asked for", () => expect(select(catalogue, [])).toBe(catalogue));

  it("takes rows by name or protocol, whatever the case", () => {
    const { rows, comparisons } = select(catalogue, ["GRPC-WEB"]);
    expect(rows.map(({ protocol }) => protocol)).toEqual(["grpc-web", "grpc-web"]);
    expect(comparisons).toEqual([]);
  });

  it("takes both rows of a comparison that it names", () => {
    const { rows, comparisons } = select(catalogue, ["audit off, requests/s"]);
    expect(comparisons).toHaveLength(1);
    expect(rows).toEqual([comparisons[0]!.ours, comparisons[0]!.peer]);
  });

  it("compares what it takes", () => {
    const { rows, comparisons } = select(catalogue, ["node:http echo, one port", "node:http echo rest"]);
    expect(rows).toHaveLength(2);
    expect(comparisons.map(({ ratios }) => ratios[0]!.target)).toEqual([0.97]);
  });

  it("is empty where nothing has such a name", () => expect(select(catalogue, ["no such row"])).toEqual({ rows: [], comparisons: [] }));
});
