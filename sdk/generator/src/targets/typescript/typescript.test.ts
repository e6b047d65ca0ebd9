// Tests the TypeScript client: goldens of awkward contracts, and that what is generated compiles and means what it says.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { buildModel } from "../../build/build-model.js";
import type { OutputFile } from "../../model.js";
import { emitted, imageOf, imageOfFile, imageOfTexts, protoHead, rpcOf } from "../../testing/contracts.js";
import { typescriptTarget } from "./emit.js";
import { reserved } from "./names.js";

const root = fileURLToPath(new URL("../../../../..", import.meta.url));

/** What a user of the awkward contracts may write, and what must not compile. */
const usage = `
import { Awkward, type Class, type Colour, methods, type Shape, type ShapeInput, shapesStore } from "./index.js";

const api = new Awkward({ baseUrl: "https://awkward.example" });
export const minimal: ShapeInput = { needed: "x" };
export const full: ShapeInput = { needed: "x", anInt64: "9007199254740993", someBytes: "AQI=", aDouble: "NaN", colours: { a: "COLOUR_GRAY" }, nothing: null, wrappedInt64: "1", list: [1, "a", null], secret: "s" };
// @ts-expect-error what must be sent cannot be left out
export const lacking: ShapeInput = {};
// @ts-expect-error 64 bits do not fit into a number
export const wide: ShapeInput = { needed: "x", anInt64: 1 };
// @ts-expect-error an enum that is sent is one that is known
export const blue: ShapeInput = { needed: "x", colour: "COLOUR_BLUE" };
// @ts-expect-error the server sets it
export const tagged: ShapeInput = { needed: "x", etag: "e" };
export const one: Class = { constructor: "c", if: "a" };
export const none: Class = { constructor: "c" };
// @ts-expect-error of a oneof there is one
export const two: Class = { constructor: "c", if: "a", else: "b" };

export async function use(): Promise<string> {
  const shape: Shape = await api.shapes.store(minimal);
  const known: Colour | number | (string & {}) = shape.colour;
  // @ts-expect-error what is only sent does not come back
  void shape.secret;
  // @ts-expect-error set or unset
  const maybe: number = shape.maybeUint32;
  const again = await shapesStore(api.client, { needed: "x" }).result();
  const thing = await api.object.constructor$({ constructor: "c" }).result();
  return [known, maybe, again.ok, thing.ok, methods["awkward.v1.Object/Delete"]?.kind].join();
}
export async function reason(): Promise<number> {
  const result = await api.object.delete({ constructor: "c", function: "f" }).result();
  if (result.ok) return 0;
  switch (result.error.reason) {
    case "USER_NOT_FOUND":
      return 1;
    // @ts-expect-error not a reason of this method
    case "LAST_ADMIN":
      return 2;
    default:
      return 3;
  }
}
`;

async function generate(): Promise<readonly OutputFile[]> {
  return emitted(typescriptTarget, await imageOf("awkward"));
}

/** Type-checks files strictly; returns what the compiler says. */
function compile(files: readonly OutputFile[]): string {
  const folder = mkdtempSync(join(tmpdir(), "parapet-typescript-"));
  try {
    const config = {
      compilerOptions: {
        target: "ES2023",
        lib: ["ES2023", "DOM", "DOM.Iterable", "DOM.AsyncIterable"],
        module: "NodeNext",
        moduleResolution: "NodeNext",
        strict: true,
        noUncheckedIndexedAccess: true,
        exactOptionalPropertyTypes: true,
        verbatimModuleSyntax: true,
        isolatedModules: true,
        noUnusedLocals: true,
        noEmit: true,
        declaration: true,
        isolatedDeclarations: true,
        types: [],
        paths: { "@parapet/sdk/runtime": [join(root, "sdk/typescript/src/runtime/index.ts")], "@parapet/sdk/webhooks/runtime": [join(root, "sdk/typescript/src/webhooks/runtime.ts")] },
      },
      include: ["**/*.ts"],
    };
    const all = [...files, { path: "tsconfig.json", content: JSON.stringify(config) }, { path: "package.json", content: '{"type":"module"}' }];
    for (const { path, content } of all) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), content);
    }
    const { stdout } = spawnSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", folder], { encoding: "utf8" });
    return stdout;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("the TypeScript client", () => {
  it.each(["names", "shapes", "legacy", "rules", "bounds", "routes", "webhooks", "known", "builtins", "taken"])("of %s.proto is its golden", async (name) => {
    const files = emitted(typescriptTarget, await imageOfFile("awkward", `${name}.proto`), { source: "src" });
    for (const { path, content } of files) await expect(content).toMatchFileSnapshot(`golden/${name}/${path}`);
  });

  it("hides the secrets of responses however these come", async () => {
    const image = await imageOfFile("awkward", "shapes.proto");
    const model = buildModel(image);
    const [service] = model.services;
    const store = service!.methods.find(({ name }) => name === "Store")!;
    expect(store.secretResponse).toBe(true);
    for (const [kind, call] of [["unary", "unary"], ["server_streaming", "serverStream"], ["client_streaming", "clientStream"]] as const) {
      const files = typescriptTarget.emit({ ...model, services: [{ ...service!, methods: [{ ...store, kind }] }] }, {}, image);
      expect(files.map(({ content }) => content).join("")).toMatch(new RegExp(`rt\\.${call}\\(.*, options, rt\\.hideSecrets\\)`));
    }
  });

  it("is the same each time", async () => {
    expect(await generate()).toEqual(await generate());
  });

  it("compiles under the strictest options, and lets users say what the contract allows and nothing else", async () => {
    expect(compile([...(await generate()), { path: "usage.ts", content: usage }])).toBe("");
  });

  it("shows comments as they are written, without tags that they do not mean", async () => {
    const comment = `// Rooms, two */ of them; write to mail@example.com.
//
//   - @internal \`@alpha\` (see @beta)
//
// @deprecated is said elsewhere.
//
// \`\`\`ts
// @Room()
// class Suite {
//   beds = 2;
// }
// \`\`\`
`;
    const text = `${protoHead("rooms.v1")}service RoomsService {
${rpcOf("Get(Room) returns (Room)", 'get: "/v1/rooms/{name}"')}}
${comment}message Room {
  // Its name.
  string name = 1;
}
`;
    const files = emitted(typescriptTarget, await imageOfTexts({ "rooms.proto": text }));
    const said = ` * Rooms, two *\\/ of them; write to mail@example.com.
 *
 *   - \\@internal \`@alpha\` (see \\@beta)
 *
 * \\@deprecated is said elsewhere.
 *
 * \`\`\`ts
 * \\@Room()
 * class Suite {
 *   beds = 2;
 * }
 * \`\`\`
`;
    const types = files.find(({ path }) => path === "rooms/v1/types.ts")!.content;
    expect(types).toContain(`/**\n${said} */\nexport interface Room {`);
    // A note stands by itself, or it would end the code.
    expect(types).toContain(`/**\n${said} *\n * As a request takes it.\n */\nexport interface RoomInput {`);
    expect(types).toContain("/** Its name. */");
    expect(compile(files)).toBe("");
  });

  it("says in api.md what is deprecated", async () => {
    const text = `${protoHead("rooms.v1")}service RoomsService {
${rpcOf("Get(Room) returns (Room)", 'get: "/v1/rooms/{name}"').replace("{\n", "{\n    option deprecated = true;\n")}${rpcOf("Find(Room) returns (Room)", 'get: "/v1/rooms"')}}
message Room { string name = 1; }
`;
    const api = emitted(typescriptTarget, await imageOfTexts({ "rooms.proto": text })).find(({ path }) => path === "api.md")!.content;
    expect(api).toMatch(/^\| `rooms\.rooms\.get` \*\*Deprecated\.\*\* \|/m);
    expect(api).toMatch(/^### rooms\.get\n\n\*\*Deprecated\.\*\*\n/m);
    expect(api.match(/Deprecated/g)).toHaveLength(2);
  });

  it("writes an acronym as one word, and finds the prefix of an enum behind one", async () => {
    const text = `${protoHead("tools.v1")}service HTTPServersService {
${rpcOf("GetHTTPServer(HTTPServer) returns (HTTPServer)", 'get: "/v1/servers/{name}"')}}
message HTTPServer { string name = 1; HTTPState state = 2; }
enum HTTPState { HTTP_STATE_UNSPECIFIED = 0; HTTP_STATE_UP = 1; }
`;
    const image = await imageOfTexts({ "tools.proto": text });
    const files = emitted(typescriptTarget, image);
    expect(files.map(({ path }) => path)).toContain("tools/v1/http-servers-service.ts");
    expect(files.find(({ path }) => path === "facade.ts")!.content).toContain("  readonly httpServers: HTTPServers;");
    expect(files.find(({ path }) => path === "api.md")!.content).toContain("`tools.httpServers.getHTTPServer`");
    expect(buildModel(image).enums.map(({ prefix }) => prefix)).toEqual(["HTTP_STATE_"]);
  });

  it("has a receiver of its events in api.md that compiles", async () => {
    const files = await generate();
    const [, receiver = ""] = /```ts\n(import \{ verifyWebhook [^]*?)```/.exec(files.find(({ path }) => path === "api.md")!.content) ?? [];
    expect(receiver).toContain('case "order.paid":');
    const environment = "declare const process: { env: Record<string, string | undefined> };\n";
    expect(compile([...files, { path: "receiver.ts", content: environment + receiver }])).toBe("");
    expect(compile([...files, { path: "receiver.ts", content: environment + receiver.replace('"order.paid"', '"order.lost"') }])).toContain("order.lost");
  });

  it("leaves to the runtime every name that the runtime exports", () => {
    const text = readFileSync(join(root, "sdk/typescript/src/runtime/index.ts"), "utf8");
    const names = Array.from(text.matchAll(/\{([^}]*)\}/g), ([, list = ""]) => list.split(",").map((name) => name.replace("type ", "").trim())).flat();
    expect(names.length).toBeGreaterThan(40);
    expect(names.filter((name) => !reserved.includes(name))).toEqual([]);
  });

  it("puts its files where the options say, and names the facade as asked", async () => {
    const files = emitted(typescriptTarget, await imageOf("awkward"), { source: "src/gen", facade: "Zoo" });
    expect(files.every(({ path }) => path === "api.md" || path.startsWith("src/gen/"))).toBe(true);
    expect(files.find(({ path }) => path === "src/gen/facade.ts")?.content).toContain("export class Zoo {");
  });
});
