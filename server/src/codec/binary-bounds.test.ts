/** What the bounds of binary messages count, and what they take for an encoding of a message. */
import { create, type DescMessage, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FieldDescriptorProtoSchema, FileDescriptorProtoSchema, SourceCodeInfo_LocationSchema } from "@bufbuild/protobuf/wkt";
import { AddRequestSchema } from "@parapet/contract/parapet/document/v1/document_service_pb";
import { describe, expect, it, test } from "vitest";
import { packedNumbersPerField } from "../limits.js";
import { awkwardMessages } from "../testing/awkward-messages.js";
import { seeded } from "../testing/random.js";
import { mutateBytes, type Random, randomMessage } from "../testing/random-message.js";
import { compileBinaryBounds } from "./binary-bounds.js";

const plenty = 1_000_000;
const hex = (text: string): Uint8Array => Buffer.from(text.replaceAll(" ", ""), "hex");

describe("the bounds of a message type", () => {
  const withNested = (desc: DescMessage): DescMessage[] => [desc, ...desc.nestedMessages.flatMap(withNested)];
  const types = [...awkwardMessages().flatMap(withNested), AddRequestSchema, FileDescriptorProtoSchema];

  it("take whatever protobuf-es writes, and of other bytes what it reads to their end", () => {
    const random = seeded(20_261_122);
    let read = 0;
    for (const desc of types) {
      const faultOf = compileBinaryBounds(desc, plenty);
      for (let count = 0; count < 150; count++) {
        const bytes = written(desc, random);
        if (bytes === undefined) continue;
        expect(faultOf(bytes)).toBeUndefined();
        const mutated = mutateBytes(bytes, random);
        if (faultOf(mutated) !== undefined) continue;
        read++;
        // What it does not refuse may still not be read, for texts that are no UTF-8 and the like; but it is read to its end, and the count is right.
        try {
          fromBinary(desc, mutated);
        } catch (cause) {
          expect(String(cause)).toMatch(/UTF-8|utf-8|encoded data was not valid|recursion/);
        }
      }
    }
    expect(read).toBeGreaterThan(1_000);
  });

  test.each([
    ["no field", "", 0],
    ["two fields of one number", "0a00 0a00", 2],
    ["unknown numbers of each size", "f80100 f90100 0000 0000 0000 00 fd0100000000", 3],
    ["an unknown group with two fields", "fb01 7800 7800 fc01", 3],
    ["an entry of a map with its key, its list and two values", "2210 0a0161 120b 0a031a0161 0a04200120 01", 8],
  ])("count %s", (_what, bytes, fields) => {
    if (fields > 0) expect(compileBinaryBounds(AddRequestSchema, fields - 1)(hex(bytes))).toBe("unbounded");
    expect(compileBinaryBounds(AddRequestSchema, fields)(hex(bytes))).toBeUndefined();
  });

  it("count packed numbers for less than fields", () => {
    const faultOf = compileBinaryBounds(SourceCodeInfo_LocationSchema, 3);
    const path = (numbers: number): Uint8Array => toBinary(SourceCodeInfo_LocationSchema, create(SourceCodeInfo_LocationSchema, { path: Array.from({ length: numbers }, () => 300) }));
    expect(faultOf(path(2 * packedNumbersPerField))).toBeUndefined();
    expect(faultOf(path(2 * packedNumbersPerField + 1))).toBe("unbounded");
  });

  test.each([
    ["a text as a number", AddRequestSchema, "0800"],
    ["a message as a text of another size", AddRequestSchema, "25 00000000"],
    ["a number as a text", FieldDescriptorProtoSchema, "1a00"],
    ["a tag of more than 32 bits' length", AddRequestSchema, "ffffffffffffffffffff01"],
    ["field number 0", AddRequestSchema, "0000"],
    ["a length beyond the message", AddRequestSchema, "0a05 61"],
    ["a child that is longer than what it stands in", AddRequestSchema, "2203 0a0561 6161616161"],
    ["the end of a group that did not begin", AddRequestSchema, "7c"],
    ["the end of another group", AddRequestSchema, "fb01 f401"],
    ["a group without end", AddRequestSchema, "fb01"],
    ["wire type 6", AddRequestSchema, "7e00"],
    ["a hundred and one groups in one another", AddRequestSchema, nested(101)],
  ] as const)("know %s for none of its encodings", (_what, desc, bytes) => {
    expect(compileBinaryBounds(desc, plenty)(hex(bytes))).toBe("unfit");
  });
});

/** The bytes of a random message; undefined for one with a text that UTF-8 cannot hold. */
function written(desc: DescMessage, random: Random): Uint8Array | undefined {
  try {
    return toBinary(desc, randomMessage(desc, random, { strangers: 0, unknown: 0.2 }));
  } catch {
    return undefined;
  }
}

/** Groups of an unknown field in one another. */
function nested(depth: number): string {
  return `${"7b".repeat(depth)}${"7c".repeat(depth)}`;
}
