// Tests the table of REST routes against its golden.
import { describe, expect, it } from "vitest";
import { modelOfFile } from "../../testing/contracts.js";
import { restTarget } from "./emit.js";

describe("routes.ts", () => {
  it("of routes.proto is its golden", async () => {
    const [file] = restTarget.emit(await modelOfFile("awkward", "routes.proto"), {});
    expect(file!.path).toBe("routes.ts");
    await expect(file!.content).toMatchFileSnapshot("golden/routes.ts");
  });
});
