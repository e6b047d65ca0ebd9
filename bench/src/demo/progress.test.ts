/** Progress is a bar on a terminal and a few plain lines elsewhere. */
import { describe, expect, it } from "vitest";
import { createProgress } from "./progress.js";

function shown(isTTY: boolean, total: number): string {
  let text = "";
  const progress = createProgress({ isTTY, write: (more: string) => (text += more) }, "work", total, () => 0);
  for (let step = 0; step < total; step++) progress.step();
  progress.end("done");
  return text;
}

describe("progress", () => {
  it("without a terminal is a line at each quarter, without control characters", () => {
    expect(shown(false, 200)).toBe(["work: 50 of 200 (25 %)", "work: 100 of 200 (50 %)", "work: 150 of 200 (75 %)", "work: done", ""].join("\n"));
  });

  it("without a terminal stays short for few steps", () => {
    expect(shown(false, 2)).toBe(["work: 1 of 2 (50 %)", "work: done", ""].join("\n"));
  });

  it("on a terminal is one line that is drawn over, at most so often, and always at the end", () => {
    const text = shown(true, 1000);
    expect(text.split("\n")).toHaveLength(2);
    expect(text.split("\r")).toHaveLength(4);
    expect(text).toContain(`${"█".repeat(30)}  1000/1000`);
  });
});
