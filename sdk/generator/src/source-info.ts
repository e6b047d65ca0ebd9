/** Comments and places of a file, read as far as they are asked for: most of an image is places that nobody asks for. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type FileDescriptorProto, type SourceCodeInfo, type SourceCodeInfo_Location, SourceCodeInfo_LocationSchema, SourceCodeInfoSchema } from "@bufbuild/protobuf/wkt";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

/** Fields of google.protobuf.SourceCodeInfo and its Location. */
const locationNumber = 1;
const leadingCommentsNumber = 3;
const trailingCommentsNumber = 4;

/** What was read in part. */
const unread = new WeakMap<FileDescriptorProto, Uint8Array>();

/** Gives a file its source info, of which only locations with comments are read at once. One reader goes over it all: there are a hundred locations to a message. */
export function takeSourceInfo(file: FileDescriptorProto, bytes: Uint8Array): void {
  const location: SourceCodeInfo_Location[] = [];
  const others: Uint8Array[] = [];
  const locations: Uint8Array[] = [];
  const reader = new BinaryReader(bytes);
  /** Where the locations that stand behind each other begin. */
  let first = 0;
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [number, wireType] = reader.tag();
    if (number === locationNumber) {
      const end = reader.uint32() + reader.pos;
      const inner = reader.pos;
      if (hasComment(reader, end)) location.push(fromBinary(SourceCodeInfo_LocationSchema, bytes.subarray(inner, end)));
      reader.pos = end;
      continue;
    }
    reader.skip(wireType, number);
    locations.push(bytes.subarray(first, start));
    others.push(bytes.subarray(start, reader.pos));
    first = reader.pos;
  }
  file.sourceCodeInfo = create(SourceCodeInfoSchema, { location });
  // buf puts its own notes first; once more encoded they would stand last.
  unread.set(file, others.length === 0 ? bytes : Buffer.concat([...locations, bytes.subarray(first), ...others]));
}

/** The whole source info as bytes; undefined where there is none. */
export function sourceInfoBytes(file: FileDescriptorProto): Uint8Array | undefined {
  return unread.get(file) ?? (file.sourceCodeInfo && toBinary(SourceCodeInfoSchema, file.sourceCodeInfo));
}

/** The whole source info; undefined where there is none. */
export function sourceInfoOf(file: FileDescriptorProto): SourceCodeInfo | undefined {
  const bytes = unread.get(file);
  return bytes === undefined ? file.sourceCodeInfo : fromBinary(SourceCodeInfoSchema, bytes);
}

/** Reads on in a location until it is known, or the location ends. */
function hasComment(reader: BinaryReader, end: number): boolean {
  while (reader.pos < end) {
    const [number, wireType] = reader.tag();
    if (number === leadingCommentsNumber || number === trailingCommentsNumber) return true;
    if (wireType === WireType.LengthDelimited) reader.pos = reader.uint32() + reader.pos;
    else reader.skip(wireType, number);
  }
  return false;
}
