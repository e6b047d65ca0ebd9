// Checks that printed proto source compiles back to the descriptor that it was printed from.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createFileRegistry, fromBinary, toJson } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { afterAll, expect, it } from "vitest";
import { printProtoFile } from "./proto-printer.mjs";

const buf = createRequire(import.meta.url).resolve("@bufbuild/buf/bin/buf");
const scratch = mkdtempSync(join(tmpdir(), "proto-printer-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const sources = {
  "options.proto": `
    syntax = "proto2";
    package demo;
    import "google/protobuf/descriptor.proto";
    message Rule {
      optional string message = 1;
      repeated Rule nested = 2;
      repeated int64 numbers = 3;
      optional bytes raw = 4;
      optional Level level = 5;
      optional double factor = 6;
      extensions 100 to max;
    }
    enum Level { LOW = 0; HIGH = 1; }
    extend Rule { repeated string tag = 100; }
    extend google.protobuf.FieldOptions { repeated Rule rule = 50001; optional uint32 size = 50002; }
    extend google.protobuf.MessageOptions { optional Rule whole = 50001; }
    extend google.protobuf.EnumValueOptions { optional string label = 50001; }
    extend google.protobuf.OneofOptions { optional bool exact = 50001; }`,
  "proto2.proto": `
    syntax = "proto2";
    package demo;
    import public "options.proto";
    option java_package = "org.demo";
    option optimize_for = CODE_SIZE;
    message Everything {
      option (whole) = { message: "a \\"quoted\\"\\n line", nested: { message: "" }, nested: {}, numbers: [-1, 9007199254740993], [demo.tag]: "x" };
      required string text = 1 [default = "x\\"y", json_name = "Text", deprecated = true];
      optional bytes raw = 2 [default = "\\001\\377z", (rule) = { raw: "\\000\\200a", level: HIGH, factor: -inf }, (rule) = {}];
      optional float ratio = 3 [default = nan, (size) = 7];
      repeated int32 packed = 4 [packed = true];
      oneof choice { option (exact) = true; Inner inner = 5; Inner.Kind kind = 6; }
      map<string, Inner> by_name = 7;
      map<int32, Inner.Kind> by_number = 8;
      optional Inner.Kind other = 9 [default = KIND_B];
      message Inner {
        enum Kind { option allow_alias = true; KIND_A = 0; KIND_B = -1 [(label) = "b"]; KIND_C = -1; reserved 4 to 6, 9, 100 to max; reserved "OLD"; }
      }
      extensions 100, 200 to 299;
      reserved 10 to 12, 14, 1000 to max;
      reserved "old", "older";
      extend Rule { optional Everything everything = 101; }
    }`,
  "proto3.proto": `
    syntax = "proto3";
    package demo.three;
    import "options.proto";
    message Plain {
      string name = 1 [(demo.rule) = { message: "m" }];
      optional string maybe = 2;
      repeated int32 numbers = 3 [packed = false];
      oneof which { string left = 4; string right = 5; }
      optional int32 last = 6;
    }`,
  "edition.proto": `
    edition = "2023";
    package demo.edition;
    option features.field_presence = IMPLICIT;
    message Modern {
      string name = 1 [features = { field_presence: EXPLICIT, utf8_validation: NONE }];
      Modern child = 2 [features.message_encoding = DELIMITED];
      repeated int32 numbers = 3;
      reserved old, older;
    }`,
};

it.each(Object.keys(sources).filter((name) => name !== "options.proto"))("prints %s without loss", (name) => {
  const before = compile("before", sources);
  const { proto } = before.getFile(name);
  const after = compile("after", { ...sources, [name]: printProtoFile(proto, before) });
  const json = (registry) => toJson(FileDescriptorProtoSchema, registry.getFile(name).proto, { registry: before });
  expect(json(after)).toEqual(json(before));
});

it("refuses what it cannot print", () => {
  const registry = compile("refused", { "service.proto": `syntax = "proto3"; message A {} service S { rpc Do(A) returns (A); }` });
  expect(() => printProtoFile(registry.getFile("service.proto").proto, registry)).toThrow("Cannot print services (service.proto).");
});

function compile(folder, files) {
  const target = join(scratch, folder);
  mkdirSync(target, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(target, name), text);
  const image = execFileSync(process.execPath, [buf, "build", target, "--as-file-descriptor-set", "--exclude-source-info", "-o", "-"]);
  return createFileRegistry(fromBinary(FileDescriptorSetSchema, image));
}
