/** What a record says of a request holds no secret, wherever in it that lies, and names nobody. */
import { create, createFileRegistry, type DescMessage, fromJson, type JsonObject, type MessageInitShape, setExtension } from "@bufbuild/protobuf";
import { type FieldDescriptorProto, FieldDescriptorProto_Label as Label, FieldDescriptorProto_Type as Type, FieldDescriptorProtoSchema, FieldOptionsSchema, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { field as fieldPolicy, FieldPolicySchema } from "@parapet/contract/parapet/policy/v1/policy_pb";
import { describe, expect, it } from "vitest";
import { compileReader, fieldsAlong, holdsSecret, redactedJson } from "./field-paths.js";

type FieldInit = Omit<MessageInitShape<typeof FieldDescriptorProtoSchema>, "$typeName" | "$unknown">;

const secret = create(FieldOptionsSchema, { debugRedact: true });
const personal = create(FieldOptionsSchema);
setExtension(personal, fieldPolicy, create(FieldPolicySchema, { personal: true }));

let number = 0;
const fieldOf = (name: string, more: FieldInit = {}): FieldDescriptorProto => create(FieldDescriptorProtoSchema, { name, jsonName: name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()), number: ++number, label: Label.OPTIONAL, type: Type.STRING, ...more });
const ofType = (typeName: string): FieldInit => ({ type: Type.MESSAGE, typeName: `.t.${typeName}` });
const entry = (name: string, value: FieldInit) => ({ name, field: [fieldOf("key", { number: 1 }), fieldOf("value", { number: 2, ...value })], options: { mapEntry: true } });

const registry = createFileRegistry(
  create(FileDescriptorProtoSchema, {
    name: "t.proto",
    package: "t",
    syntax: "proto3",
    messageType: [
      { name: "Login", field: [fieldOf("user_name", { options: personal }), fieldOf("password", { options: secret }), fieldOf("note")] },
      {
        name: "Request",
        nestedType: [entry("ByNameEntry", ofType("Login")), entry("LabelsEntry", {})],
        oneofDecl: [{ name: "way" }],
        field: [
          fieldOf("name"),
          fieldOf("token", { options: secret }),
          fieldOf("one", ofType("Login")),
          fieldOf("many", { ...ofType("Login"), label: Label.REPEATED }),
          fieldOf("by_name", { ...ofType("Request.ByNameEntry"), label: Label.REPEATED }),
          fieldOf("labels", { ...ofType("Request.LabelsEntry"), label: Label.REPEATED }),
          fieldOf("chosen", { ...ofType("Login"), oneofIndex: 0 }),
          fieldOf("other", { oneofIndex: 0 }),
          fieldOf("size", { type: Type.INT64 }),
          fieldOf("data", { type: Type.BYTES }),
          fieldOf("codes", { label: Label.REPEATED, options: secret }),
        ],
      },
      { name: "Plain", field: [fieldOf("name"), fieldOf("self", ofType("Plain"))] },
      { name: "Deep", field: [fieldOf("plain", ofType("Plain")), fieldOf("request", ofType("Request"))] },
    ],
  }),
  () => undefined,
);
const descOf = (name: string): DescMessage => registry.getMessage(`t.${name}`)!;
const request = descOf("Request");
const written = (json: JsonObject): unknown => JSON.parse(redactedJson(request, fromJson(request, json), (value) => `~${value.length}`));

const login = { userName: "ada", password: "secret", note: "n" };
const hidden = { userName: "~3", password: "[redacted]", note: "n" };

describe("a request in a record", () => {
  it.each([
    ["itself", { name: "n", token: "secret", codes: ["secret"] }, { name: "n", token: "[redacted]", codes: "[redacted]" }],
    ["a message in it", { one: login }, { one: hidden }],
    ["a list", { many: [login, login] }, { many: [hidden, hidden] }],
    ["a map", { byName: { a: login } }, { byName: { a: hidden } }],
    ["one of several", { chosen: login }, { chosen: hidden }],
  ] as [string, JsonObject, unknown][])("shows no secret and names nobody: in %s", (_, json, shown) => {
    expect(written(json)).toMatchObject(shown as object);
    expect(JSON.stringify(written(json))).not.toMatch(/"(?:secret|ada)"/);
  });

  it("says what was set, numbers in full and of bytes how many", () => {
    expect(written({ other: "o", size: "9007199254740993", data: "AAAA", labels: { a: "b" } })).toMatchObject({ other: "o", size: "9007199254740993", data: "[3 bytes]", labels: { a: "b" } });
    expect(Object.keys(written({ one: {}, name: "", size: "0", token: "", many: [] }) as object)).toEqual(["one", "byName", "labels", "data"]);
  });
});

describe("a message", () => {
  it("holds a secret at any depth, or none", () => {
    expect(["Login", "Request", "Deep", "Plain"].map((name) => holdsSecret(descOf(name)))).toEqual([true, true, true, false]);
  });
});

describe("a path of a policy", () => {
  it("leads to text, or to nothing where a part is not set", () => {
    const read = compileReader(request, "one.user_name")!;
    expect([read(fromJson(request, { one: login })), read(fromJson(request, {}))]).toEqual(["ada", undefined]);
    expect(compileReader(request, "size")!(fromJson(request, { size: "7" }))).toBe("7");
    expect(compileReader(request, "data")!(fromJson(request, { data: "AAAA" }))).toBeUndefined();
    expect(compileReader(request, "")).toBeUndefined();
  });

  it.each(["nothing", "name.of", "one.nothing", "many.note"])("that leads nowhere is named: %s", (path) => {
    expect(() => fieldsAlong(request, path)).toThrow(`t.Request has no field ${path}`);
  });
});
