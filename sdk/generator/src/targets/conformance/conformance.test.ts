// Tests the cases of a conformance suite against goldens.
import { describe, expect, it } from "vitest";
import { emitted, imageOfFile } from "../../testing/contracts.js";
import { conformanceTarget } from "./emit.js";

describe("cases.ts", () => {
  it.each(["rules", "routes", "names", "shapes", "legacy", "known"])("of %s.proto is its golden", async (name) => {
    const [file] = emitted(conformanceTarget, await imageOfFile("awkward", `${name}.proto`));
    expect(file!.path).toBe("cases.ts");
    await expect(file!.content).toMatchFileSnapshot(`golden/${name}.cases.ts`);
  });
});
