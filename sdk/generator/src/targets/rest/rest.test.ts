// Tests the table of REST routes against its golden.
import { describe, expect, it } from "vitest";
import { emitted, imageOfFile } from "../../testing/contracts.js";
import { restTarget } from "./emit.js";

describe("routes.ts", () => {
  it("of routes.proto is its golden", async () => {
    const [file] = emitted(restTarget, await imageOfFile("awkward", "routes.proto"));
    expect(file!.path).toBe("routes.ts");
    await expect(file!.content).toMatchFileSnapshot("golden/routes.ts");
  });
});
