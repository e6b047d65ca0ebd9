/** Servers and load get cores of their own where there are enough. */
import { describe, expect, it } from "vitest";
import { shareCores } from "./pin.js";

describe("cores", () => {
  it("are not shared out where there is one", () => {
    expect(shareCores(1)).toEqual({ server: undefined, load: undefined, workers: undefined, workersLoad: undefined });
  });

  it("are one for the server and one for the load where there are two; workers and their load are spread", () => {
    expect(shareCores(2)).toEqual({ server: "0", load: "1", workers: undefined, workersLoad: undefined });
  });

  it("keep workers and their load apart where there are enough", () => {
    expect(shareCores(5)).toMatchObject({ workers: undefined, workersLoad: undefined });
    expect(shareCores(8)).toEqual({ server: "0", load: "1", workers: "0-1", workersLoad: "2-7" });
  });
});
