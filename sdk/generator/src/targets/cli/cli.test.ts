// Tests the table of commands against goldens.
import { describe, expect, it } from "vitest";
import { emitted, imageOfFile } from "../../testing/contracts.js";
import { cliTarget } from "./emit.js";

describe("commands.ts", () => {
  it.each(["rules", "routes", "names", "shapes", "legacy", "known"])("of %s.proto is its golden", async (name) => {
    const [file] = emitted(cliTarget, await imageOfFile("awkward", `${name}.proto`));
    expect(file!.path).toBe("commands.ts");
    await expect(file!.content).toMatchFileSnapshot(`golden/${name}.commands.ts`);
  });
});

describe("main.ts", () => {
  it("is its golden, and names what users type", async () => {
    const files = emitted(cliTarget, await imageOfFile("awkward", "shapes.proto"), { program: "shapes", server: "https://shapes.example" });
    expect(files.map(({ path }) => path)).toEqual(["commands.ts", "main.ts"]);
    await expect(files[1]!.content).toMatchFileSnapshot("golden/shapes.main.ts");
  });

  it("is left out for a program that has its own", async () => {
    expect(emitted(cliTarget, await imageOfFile("awkward", "shapes.proto"), { main: "false" }).map(({ path }) => path)).toEqual(["commands.ts"]);
  });

  it.each([
    [{ program: "rm -rf" }, 'cli.program: "rm -rf" is no name of a program'],
    [{ main: "no" }, 'cli.main: "no" is neither true nor false'],
  ])("refuses %j", async (options, message) => {
    const image = await imageOfFile("awkward", "shapes.proto");
    expect(() => emitted(cliTarget, image, options)).toThrow(message);
  });
});
