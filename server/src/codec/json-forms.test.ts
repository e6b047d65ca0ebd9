/** Which forms of JSON values are read, which are mended, and which are refused though protobuf-es would take them. */
import { type DescMessage, fromJson, type JsonObject, type JsonValue } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { awkwardMessages } from "../testing/awkward-messages.js";
import { codecsOf } from "./codec.js";

const typeNamed = (name: string): DescMessage => awkwardMessages().find((desc) => desc.typeName === `awkward3.${name}`)!;
const singular = typeNamed("Singular");
const reads = (desc: DescMessage, json: JsonValue) => () => codecsOf(desc).readJson(json);
/** What the same message is, written as everybody writes it. */
const same = (desc: DescMessage, json: JsonValue, plain: JsonValue): void => expect(reads(desc, json)(), JSON.stringify(json)).toEqual(fromJson(desc, plain));

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

  it("that are keys of maps have one form", () => {
    const maps = typeNamed("MapsByKey");
    for (const { name, mapKey } of maps.fields as unknown as { name: string; mapKey: number }[]) {
      if (mapKey === 9 || mapKey === 8) continue;
      same(maps, { [name]: { "7": "a", "0": "b" } }, { [name]: { "7": "a", "0": "b" } });
      for (const key of ["01", "-0", "+1", "1e0", "1.0", " 1", "0x1", "", "1n"]) expect(reads(maps, { [name]: { [key]: "a" } }), `${name} ${key}`).toThrow(/^cannot decode /);
    }
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
