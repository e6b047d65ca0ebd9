// Tests the table of REST routes against its golden.
import { describe, expect, it } from "vitest";
import { emitted, imageOfFile } from "../../testing/contracts.js";
import { restTarget } from "./emit.js";

describe("routes.ts", () => {
  it.each(["routes", "shapes", "names", "rules", "bounds", "legacy", "webhooks", "known", "builtins", "taken"])("of %s.proto is its golden", async (name) => {
    const [file] = emitted(restTarget, await imageOfFile("awkward", `${name}.proto`));
    expect(file!.path).toBe("routes.ts");
    await expect(file!.content).toMatchFileSnapshot(`golden/${name}.ts`);
  });
});
