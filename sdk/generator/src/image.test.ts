// Tests that any folder of protos compiles, and what counts as a change of the contract.
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { GeneratorError } from "./errors.js";
import { buildModel } from "./build/build-model.js";
import { buildImage, imageBytes, readImage } from "./image.js";

const notes = (comment: string, fields = "") => `// ${comment}
syntax = "proto3";
package acme.notes.v1;
import "google/api/annotations.proto";
import "buf/validate/validate.proto";
import "parapet/policy/v1/policy.proto";
// ${comment}
message Note {
  string text = 1 [(buf.validate.field).string.min_len = 1];
  ${fields}
}
`;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "parapet-image-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function write(files: Record<string, string>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}

async function refusalOf(promise: Promise<unknown>): Promise<GeneratorError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(GeneratorError);
  return error as GeneratorError;
}

describe("buildImage", () => {
  it("takes a folder that holds nothing but its own protos", async () => {
    await write({ "acme/notes/v1/notes.proto": notes("Notes.") });
    const { ownFiles, registry } = await buildImage(folder);
    expect(ownFiles.map((file) => file.proto.name)).toEqual(["acme/notes/v1/notes.proto"]);
    expect(registry.getMessage("parapet.policy.v1.MethodPolicy")).toBeDefined();
  });

  it("prefers the folder's own copy of an import", async () => {
    await write({ "acme/a.proto": 'syntax = "proto3"; package a; import "google/api/http.proto"; message A { google.api.Mine mine = 1; }' });
    await write({ "google/api/http.proto": 'syntax = "proto3"; package google.api; message Mine {}' });
    const { registry } = await buildImage(folder);
    expect(registry.getMessage("google.api.Mine")).toBeDefined();
  });

  it("takes a buf workspace as it is", async () => {
    await write({
      "buf.yaml": "version: v2\nmodules:\n  - path: proto\n  - path: deps\n",
      "proto/a.proto": 'syntax = "proto3"; package a; import "b.proto"; message A { b.B b = 1; }',
      "deps/b.proto": 'syntax = "proto3"; package b; message B {}',
    });
    const { ownFiles } = await buildImage(join(folder, "proto"));
    expect(ownFiles.map((file) => file.proto.name)).toEqual(["a.proto"]);
  });

  it("says where a proto does not compile", async () => {
    await write({ "acme/a.proto": 'syntax = "proto3";\npackage a;\nmessage A {\n  Missing missing = 1;\n}\n' });
    const { problems } = await refusalOf(buildImage(folder));
    expect(problems).toMatchObject([{ rule: "build-failed", place: "acme/a.proto:4:3" }]);
    expect(problems[0]!.message).toContain("Missing");
  });

  it("says that a folder has no protos", async () => {
    const { message } = await refusalOf(buildImage(folder));
    expect(message).toContain("there is no .proto file in this folder");
  });

  it("follows links to protos and to folders of them, and none in a circle", async () => {
    await write({ "elsewhere/acme/notes.proto": notes("Elsewhere."), "elsewhere/deep/more.proto": 'syntax = "proto3"; package acme.more.v1; message More {}' });
    await mkdir(join(folder, "own"));
    await symlink("../elsewhere/acme/notes.proto", join(folder, "own/notes.proto"));
    await symlink(join(folder, "elsewhere/deep"), join(folder, "own/deep"));
    await symlink("../own", join(folder, "own/again"));
    await symlink("../../own", join(folder, "elsewhere/deep/back"));
    await symlink("nowhere", join(folder, "own/nothing"));
    const { ownFiles } = await buildImage(join(folder, "own"));
    expect(ownFiles.map(({ proto }) => proto.name).sort()).toEqual(["deep/more.proto", "notes.proto"]);
    await symlink("nowhere.proto", join(folder, "own/lost.proto"));
    await expect(buildImage(join(folder, "own"))).rejects.toThrow(`${join(folder, "own/lost.proto")}: this link leads nowhere`);
  });

  it("hashes what callers can notice: fields and rules count, comments do not", async () => {
    const hashOf = async (text: string) => {
      await write({ "n.proto": text });
      const { hash, inputs } = await buildImage(folder);
      return { hash, input: inputs["n.proto"] };
    };
    const first = await hashOf(notes("Notes."));
    const otherComment = await hashOf(notes("Other words."));
    const otherField = await hashOf(notes("Notes.", "int32 size = 2;"));
    expect(otherComment.hash).toBe(first.hash);
    expect(otherComment.input).not.toBe(first.input);
    expect(otherField.hash).not.toBe(first.hash);
    expect(first.hash).toMatch(/^[0-9a-f]{64}$/);
  });

  it("takes what is named of a folder, and the rest as imports", async () => {
    await write({
      "acme/a/a.proto": 'syntax = "proto3"; package acme.a; import "acme/b/b.proto"; message A { acme.b.B b = 1; }',
      "acme/b/b.proto": 'syntax = "proto3"; package acme.b; message B {}',
      "acme/c/c.proto": 'syntax = "proto3"; package acme.c; message C {}',
    });
    const { ownFiles, registry } = await buildImage(folder, { paths: ["acme/a", "acme/c/c.proto"] });
    expect(ownFiles.map(({ name }) => name)).toEqual(["acme/a/a", "acme/c/c"]);
    expect(registry.getMessage("acme.b.B")).toBeDefined();
    expect((await refusalOf(buildImage(folder, { paths: ["acme/d"] }))).message).toContain("no .proto files were targeted");
  });

  it("keeps what is own, comments and places on the way through bytes", async () => {
    await write({ "acme/notes/v1/notes.proto": notes("Notes.").replace("message Note {", "service Notes {\n  rpc Get(Note) returns (Note);\n}\n// A note.\nmessage Note {") });
    const image = await buildImage(folder);
    const again = readImage(imageBytes(image));
    expect([again.hash, again.inputs]).toEqual([image.hash, image.inputs]);
    expect(again.ownFiles.map(({ name }) => name)).toEqual(["acme/notes/v1/notes"]);
    const refusal = await refusalOf(Promise.resolve().then(() => buildModel(again)));
    expect(refusal.problems).toMatchObject([{ rule: "policy-missing", place: "acme/notes/v1/notes.proto:9:3" }]);
  });
});
