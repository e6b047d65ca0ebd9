/** Which forms of JSON values are read, which are mended, and which are refused though protobuf-es would take them. */
import { type DescMessage, fromJson, type JsonObject, type JsonValue, ScalarType } from "@bufbuild/protobuf";
import { type Any, AnySchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import { awkwardMessages } from "../testing/awkward-messages.js";
import { codecsOf } from "./codec.js";
import { typesBeside } from "./types.js";

const typeNamed = (name: string): DescMessage => awkwardMessages().find((desc) => desc.typeName === `awkward3.${name}`)!;
const singular = typeNamed("Singular");
const reads = (desc: DescMessage, json: JsonValue) => () => codecsOf(desc).readJson(json);
const taken = (desc: DescMessage, json: JsonValue): boolean => {
  try {
    return reads(desc, json)() !== undefined;
  } catch {
    return false;
  }
};
/** What the same message is, written as everybody writes it. */
const same = (desc: DescMessage, json: JsonValue, plain: JsonValue): void => expect(reads(desc, json)(), JSON.stringify(json)).toEqual(fromJson(desc, plain, { registry: typesBeside(desc) }));

const small = ["a_int32", "a_uint32", "a_sint32", "a_fixed32", "a_sfixed32"];
const large = ["a_int64", "a_uint64", "a_sint64", "a_fixed64", "a_sfixed64"];
const floating = ["a_float", "a_double"];

describe("numbers", () => {
  it.each([...small, ...large])("of %s are read from text with exponents and zero fractions", (name) => {
    const long = name.endsWith("64");
    for (const [text, value] of [["7", 7], ["1e2", 100], ["1E+2", 100], ["1.0", 1], ["2.50e1", 25], ["100e-2", 1], ["0", 0], ["-0", 0], ["0.0", 0], ["0e99", 0]] as const) {
      same(singular, { [name]: text }, { [name]: long ? String(value) : Object.is(Number(text), -0) ? -0 : value });
    }
  });

  it.each([...small, ...large, ...floating])("of %s are refused in forms that JSON does not have", (name) => {
    for (const text of ["", " ", "1 ", " 1", "+1", "01", "-01", "00", ".5", "5.", "0x10", "0b1", "0o7", "1_0", "1n", "1,0", "e1", "1e", "-", "nan", "inf", "+Infinity", "infinity", "1\n", "٣"]) {
      expect(reads(singular, { [name]: text }), text).toThrow(/^cannot decode /);
    }
  });

  it.each([...small, ...large])("of %s are refused where they are not whole, or too large", (name) => {
    for (const value of ["1.5", "1e-1", 1.5, "1e20", "1e999999", "1e9999999999", "123456789012345678901", "18446744073709551616", 1e21, "NaN", "Infinity"]) expect(reads(singular, { [name]: value }), String(value)).toThrow(/^cannot decode /);
  });

  it.each(floating)("of %s have three that are words", (name) => {
    for (const word of ["NaN", "Infinity", "-Infinity"]) same(singular, { [name]: word }, { [name]: word });
    expect(reads(singular, { [name]: "1e400" })).toThrow(/^cannot decode /);
  });

  it("of a_float are those that 32 bits hold, as in binary", () => {
    for (const [given, held] of [[0.1, 0.10000000149011612], ["0.1", 0.10000000149011612], ["1e-1", 0.10000000149011612], [1e-50, 0], [3.4028235e38, 3.4028234663852886e38]] as const) {
      for (const beside of [{}, { aInt64: "1e0" }] as JsonObject[]) expect((reads(singular, { aFloat: given, ...beside })() as unknown as { aFloat: number }).aFloat, `${given}`).toBe(held);
    }
    for (const value of [3.5e38, "3.5e38", "-1e39"]) expect(reads(singular, { aFloat: value })).toThrow(/^cannot decode /);
  });

  it("that are keys of maps have one form", () => {
    const maps = typeNamed("MapsByKey");
    for (const { name, mapKey } of maps.fields as unknown as { name: string; mapKey: number }[]) {
      if (mapKey === 9 || mapKey === 8) continue;
      same(maps, { [name]: { "7": "a", "0": "b" } }, { [name]: { "7": "a", "0": "b" } });
      for (const key of ["01", "-0", "+1", "1e0", "1.0", " 1", "0x1", "", "1n"]) expect(reads(maps, { [name]: { [key]: "a" } }), `${name} ${key}`).toThrow(/^cannot decode /);
    }
  });
});

describe("keys of maps", () => {
  const wrong: Readonly<Record<number, readonly string[]>> = {
    [ScalarType.STRING]: ["\ud800", "\ude00\ud83d"],
    [ScalarType.BOOL]: ["True", "1", ""],
    [ScalarType.INT32]: ["2147483648", "-2147483649", "x"],
    [ScalarType.SINT32]: ["2147483648", "-2147483649", "x"],
    [ScalarType.SFIXED32]: ["2147483648", "-2147483649", "x"],
    [ScalarType.UINT32]: ["4294967296", "-1"],
    [ScalarType.FIXED32]: ["4294967296", "-1"],
    [ScalarType.INT64]: ["9223372036854775808", "-9223372036854775809", "1".repeat(21)],
    [ScalarType.SINT64]: ["9223372036854775808", "-9223372036854775809"],
    [ScalarType.SFIXED64]: ["9223372036854775808", "-9223372036854775809"],
    [ScalarType.UINT64]: ["18446744073709551616", "-1"],
    [ScalarType.FIXED64]: ["18446744073709551616", "-1"],
  };

  it("are looked at even where the value is left out", () => {
    const maps = typeNamed("MapsOfColours");
    const right = ["7", "0", "true", "false", "ü", "2147483647", "-2147483648", "4294967295", "9223372036854775807", "-9223372036854775808", "18446744073709551615"];
    for (const { name, mapKey } of maps.fields as unknown as { name: string; mapKey: number }[]) {
      for (const value of ["RED", "no colour"]) for (const key of wrong[mapKey]!) expect(reads(maps, { [name]: { [key]: value } }), `${name} ${key} ${value}`).toThrow(/^cannot decode /);
      const keys = right.filter((key) => mapKey === ScalarType.STRING || (/^[tf]/.test(key) === (mapKey === ScalarType.BOOL) && key !== "ü" && taken(maps, { [name]: { [key]: "RED" } })));
      expect(keys.length, name).toBeGreaterThan(1);
      for (const key of keys) same(maps, { [name]: { [key]: "no colour" } }, {});
    }
  });
});

describe("a google.protobuf.Any", () => {
  const held = (any: JsonValue): JsonValue => ({ aAny: any });
  const google = (name: string, rest: JsonObject = {}): JsonValue => held({ "@type": `type.googleapis.com/google.protobuf.${name}`, ...rest });
  const unpacked = (json: JsonValue): Any => (reads(singular, json)() as unknown as { aAny: Any }).aAny;

  it("holds each type with a form of its own, whatever else the contract knows", () => {
    expect(AnySchema.file.dependencies).toEqual([]);
    const codecs = codecsOf(AnySchema);
    for (const [name, value] of [["Empty", undefined], ["Duration", "1s"], ["Timestamp", "2026-11-02T10:11:12Z"], ["FieldMask", "a,bC"], ["Struct", { a: [1] }], ["Value", null], ["ListValue", ["x"]], ["StringValue", "x"], ["UInt64Value", "5"], ["Any", {}]] as const) {
      const json = { "@type": `type.googleapis.com/google.protobuf.${name}`, ...(value === undefined ? {} : { value }) } as JsonObject;
      expect(JSON.parse(codecs.writeJson(codecs.readJson(json))), name).toEqual(json);
    }
  });

  it("reads what it holds in the forms of its type", () => {
    expect(unpacked(google("UInt64Value", { value: "1e2" })).value).toEqual(unpacked(google("UInt64Value", { value: "100" })).value);
    for (const [name, value] of [["Duration", "1s "], ["Timestamp", "2026-02-30T00:00:00Z"], ["Value", "\ud800"], ["Struct", { "\ud800": 1 }], ["BytesValue", "AA =="], ["Int32Value", "0x1"], ["Any", { "@type": "type.googleapis.com/google.protobuf.Duration", value: " 1s" }]] as const) {
      expect(reads(singular, google(name, { value })), name).toThrow(/^cannot decode /);
    }
    const tree = (more: JsonObject): JsonValue => held({ "@type": "type.googleapis.com/awkward3.Singular", ...more });
    same(singular, tree({ aInt64: "1e2", laterField: 1 }), tree({ aInt64: "100" }));
    expect(reads(singular, tree({ aInt64: "0x1" }))).toThrow(/^cannot decode /);
  });

  it("needs `value` for a type with a form of its own, and a type that is known", () => {
    for (const json of [google("Duration"), google("Struct"), google("Struct", { a: 1 }), google("StringValue"), google("BytesValue", { value: null }), google("Any", { value: null }), google("Api", { value: {} }), held({ value: "1s" }), held({ "@type": "" })]) expect(reads(singular, json), JSON.stringify(json)).toThrow(/^cannot decode /);
    same(singular, google("Empty"), google("Empty"));
    same(singular, google("Empty", { value: {} }), google("Empty"));
  });
});

describe("bytes", () => {
  it("are read in both alphabets, padded or not", () => {
    for (const text of ["+/8=", "-_8=", "+/8", "-_8", "+_8"]) same(singular, { aBytes: text }, { aBytes: "+/8=" });
    same(singular, { aBytes: "" }, { aBytes: "" });
  });

  it("are refused with blanks, padding within, padding that does not fit, or half a byte", () => {
    for (const text of ["AA ==", "AAAA\n", " AAAA", "A A A A", "AA==AA==", "AA=A", "A", "A=", "A===", "AA=", "AA===", "AAA==", "====", "=", "AAAA=", "AAA\u0000", "ÀÀÀÀ"]) expect(reads(singular, { aBytes: text }), text).toThrow(/^cannot decode /);
  });
});

describe("values of any kind", () => {
  it.each(["aValue", "aStruct", "aListvalue"])("in %s hold Unicode and finite numbers", (name) => {
    const held = (value: JsonValue): JsonObject => ({ [name]: name === "aStruct" ? { a: [value] } : name === "aListvalue" ? [value] : [value] });
    same(singular, held({ "": [null, true, 1.5, "😀"] }), held({ "": [null, true, 1.5, "😀"] }));
    for (const value of ["\ud800", Infinity, { "\udc00": 1 }, [[-Infinity]]]) expect(reads(singular, held(value))).toThrow(/^cannot decode /);
  });
});

describe("a oneof", () => {
  const choice = typeNamed("Choice");
  it("is not set by null, whatever the type of the member", () => {
    for (const field of choice.fields.filter(({ oneof, name }) => oneof !== undefined && name !== "a_value" && name !== "a_nullvalue")) {
      if (field.name !== "a_string") same(choice, { [field.jsonName]: null, aString: "x" }, { aString: "x" });
      if (field.name !== "a_string") same(choice, { aString: "x", [field.name]: null }, { aString: "x" });
    }
  });

  it("is refused where a member is named twice, be it once with null", () => {
    expect(reads(choice, { aTree: {}, a_tree: null })).toThrow(/^cannot decode /);
    expect(reads(choice, { aTree: null, a_tree: {} })).toThrow(/^cannot decode /);
  });
});

describe("depth", () => {
  it("is for protobuf-es to refuse, and costs no stack before", () => {
    const deep = JSON.parse(`${'{"left":'.repeat(5_000)}{}${"}".repeat(5_000)}`) as JsonValue;
    expect(reads(typeNamed("Tree"), deep)).toThrow(/recursion depth/);
    const list = JSON.parse(`{"tags":${"[".repeat(5_000)}${"]".repeat(5_000)}}`) as JsonValue;
    expect(reads(typeNamed("Tree"), list)).toThrow(/recursion depth/);
  });
});
