// Tests the table of commands against goldens.
import { describe, expect, it } from "vitest";
import { buildModel } from "../../build/build-model.js";
import { createNames } from "../typescript/names.js";
import { emitted, imageOfFile } from "../../testing/contracts.js";
import { cliTarget, commandsOf } from "./emit.js";

describe("commands.ts", () => {
  it.each(["rules", "routes", "names", "shapes", "legacy", "known"])("of %s.proto is its golden", async (name) => {
    const [file] = emitted(cliTarget, await imageOfFile("awkward", `${name}.proto`));
    expect(file!.path).toBe("commands.ts");
    await expect(file!.content).toMatchFileSnapshot(`golden/${name}.commands.ts`);
  });
});

describe("what is typed", () => {
  it("splits names at their words, and gives no two methods of a service the same", async () => {
    const model = buildModel(await imageOfFile("awkward", "shapes.proto"));
    const [service] = model.services;
    const [method] = service!.methods;
    const methods = ["GetHTTPServer", "ListAPIKeys", "Delete", "delete"].map((name) => ({ ...method!, name, localName: name, fullName: `${service!.fullName}/${name}` }));
    const changed = { ...model, services: [{ ...service!, name: "HTTPServerService", methods }] };
    const names = createNames(changed, [], new Set());
    expect([...commandsOf(changed, names).values()].map(({ group, name }) => `${group} ${name}`)).toEqual(["http-server get-http-server", "http-server list-api-keys", "http-server delete", "http-server delete-"]);
    expect(names.service(service!)).toEqual({ property: "httpServer", className: "HTTPServer", module: "awkward/v1/http-server-service" });
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
