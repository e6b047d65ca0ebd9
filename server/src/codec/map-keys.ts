/** Which keys a map has in JSON, by their type (protobuf.dev/programming-guides/json). */
import { ScalarType } from "@bufbuild/protobuf";
import { isWellFormed } from "../unicode.js";

type IsKey = (key: string) => boolean;

/** Integers of so many bits, in digits alone. */
function integersOf(bits: number, signed: boolean): IsKey {
  const form = signed ? /^(?:0|-?[1-9]\d{0,19})$/ : /^(?:0|[1-9]\d{0,19})$/;
  const wrap = signed ? BigInt.asIntN : BigInt.asUintN;
  return (key) => form.test(key) && wrap(bits, BigInt(key)) === BigInt(key);
}

const int32 = integersOf(32, true);
const uint32 = integersOf(32, false);
const int64 = integersOf(64, true);
const uint64 = integersOf(64, false);

/** What holds of a key. Types that no key has are left out. */
export const mapKeys: Readonly<Partial<Record<ScalarType, IsKey>>> = {
  [ScalarType.STRING]: isWellFormed,
  [ScalarType.BOOL]: (key) => key === "true" || key === "false",
  [ScalarType.INT32]: int32,
  [ScalarType.SINT32]: int32,
  [ScalarType.SFIXED32]: int32,
  [ScalarType.UINT32]: uint32,
  [ScalarType.FIXED32]: uint32,
  [ScalarType.INT64]: int64,
  [ScalarType.SINT64]: int64,
  [ScalarType.SFIXED64]: int64,
  [ScalarType.UINT64]: uint64,
  [ScalarType.FIXED64]: uint64,
};
