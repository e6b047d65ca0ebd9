// Tests the table of commands against goldens.
import { describe, expect, it } from "vitest";
import { emitted, imageOfFile } from "../../testing/contracts.js";
import { cliTarget } from "./emit.js";

describe("commands.ts", () => {
  it.each(["rules", "routes", "names", "shapes", "legacy"])("of %s.proto is its golden", async (name) => {
    const [file] = emitted(cliTarget, await imageOfFile("awkward", `${name}.proto`));
    expect(file!.path).toBe("commands.ts");
    await expect(file!.content).toMatchFileSnapshot(`golden/${name}.commands.ts`);
  });
});
