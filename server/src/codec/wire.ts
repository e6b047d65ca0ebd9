/** Tags of protobuf's binary encoding (protobuf.dev/programming-guides/encoding). */
import { ScalarType } from "@bufbuild/protobuf";

/** How a value is laid out on the wire. */
export const WireType = { Varint: 0, Bit64: 1, Bytes: 2, Bit32: 5 } as const;

/** A value of `WireType`. */
export type WireType = (typeof WireType)[keyof typeof WireType];

/** Highest field number that the fast codecs know: its tag takes two bytes. Messages beyond are left to protobuf-es. */
export const numberMax = 255;

/** The tag of a field. */
export function tagOf(number: number, wireType: WireType): number {
  return (number << 3) | wireType;
}

const wireTypes: Readonly<Partial<Record<ScalarType, WireType>>> = {
  [ScalarType.STRING]: WireType.Bytes,
  [ScalarType.BYTES]: WireType.Bytes,
  [ScalarType.DOUBLE]: WireType.Bit64,
  [ScalarType.FIXED64]: WireType.Bit64,
  [ScalarType.SFIXED64]: WireType.Bit64,
  [ScalarType.FLOAT]: WireType.Bit32,
  [ScalarType.FIXED32]: WireType.Bit32,
  [ScalarType.SFIXED32]: WireType.Bit32,
};

/** How a scalar is laid out where it is not packed. */
export function wireTypeOf(type: ScalarType): WireType {
  return wireTypes[type] ?? WireType.Varint;
}
