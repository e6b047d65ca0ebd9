/** Comments and places of a file, read as far as they are asked for: most of an image is places that nobody asks for. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type FileDescriptorProto, type SourceCodeInfo, type SourceCodeInfo_Location, SourceCodeInfo_LocationSchema, SourceCodeInfoSchema } from "@bufbuild/protobuf/wkt";
import { BinaryReader } from "@bufbuild/protobuf/wire";

/** Fields of google.protobuf.SourceCodeInfo and its Location. */
const locationNumber = 1;
const leadingCommentsNumber = 3;
const trailingCommentsNumber = 4;

/** What was read in part. */
const unread = new WeakMap<FileDescriptorProto, Uint8Array>();

/** Gives a file its source info, of which only locations with comments are read at once. */
export function takeSourceInfo(file: FileDescriptorProto, bytes: Uint8Array): void {
  const location: SourceCodeInfo_Location[] = [];
  const [locations, others]: [Uint8Array[], Uint8Array[]] = [[], []];
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [number, wireType] = reader.tag();
    const isLocation = number === locationNumber;
    const inner = isLocation ? reader.bytes() : reader.skip(wireType, number);
    if (isLocation && hasComment(inner)) location.push(fromBinary(SourceCodeInfo_LocationSchema, inner));
    (isLocation ? locations : others).push(bytes.subarray(start, reader.pos));
  }
  file.sourceCodeInfo = create(SourceCodeInfoSchema, { location });
  // buf puts its own notes first; once more encoded they would stand last.
  unread.set(file, others.length === 0 ? bytes : Buffer.concat([...locations, ...others]));
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

function hasComment(location: Uint8Array): boolean {
  const reader = new BinaryReader(location);
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (number === leadingCommentsNumber || number === trailingCommentsNumber) return true;
    reader.skip(wireType, number);
  }
  return false;
}
