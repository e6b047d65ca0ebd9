/** Comments and places of a file, read as far as they are asked for: most of an image is places that nobody asks for. */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { type FileDescriptorProto, type SourceCodeInfo, SourceCodeInfoSchema } from "@bufbuild/protobuf/wkt";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

/** Fields of google.protobuf.SourceCodeInfo and its Location. */
const locationNumber = 1;
const pathNumber = 1;
const leadingCommentsNumber = 3;
const trailingCommentsNumber = 4;

/** What was not read yet. */
const unread = new WeakMap<FileDescriptorProto, Uint8Array>();
/** Comments that were. */
const comments = new WeakMap<FileDescriptorProto, ReadonlyMap<string, string>>();

/** Gives a file its source info, which nobody has read. */
export function takeSourceInfo(file: FileDescriptorProto, bytes: Uint8Array): void {
  unread.set(file, bytes);
}

/** The whole source info as bytes; undefined where there is none. */
export function sourceInfoBytes(file: FileDescriptorProto): Uint8Array | undefined {
  const bytes = unread.get(file);
  return bytes === undefined ? file.sourceCodeInfo && toBinary(SourceCodeInfoSchema, file.sourceCodeInfo) : locationsFirst(bytes);
}

/** The whole source info; undefined where there is none. */
export function sourceInfoOf(file: FileDescriptorProto): SourceCodeInfo | undefined {
  const bytes = unread.get(file);
  return bytes === undefined ? file.sourceCodeInfo : fromBinary(SourceCodeInfoSchema, bytes);
}

/** The comments of a file by the path of what they stand at, its numbers joined by dots: leading ones, else trailing ones. */
export function commentsOf(file: FileDescriptorProto): ReadonlyMap<string, string> {
  const known = comments.get(file);
  if (known !== undefined) return known;
  const bytes = unread.get(file);
  const read = bytes === undefined ? commentsIn(file.sourceCodeInfo) : readComments(bytes);
  comments.set(file, read);
  return read;
}

function commentsIn(info: SourceCodeInfo | undefined): Map<string, string> {
  const found = new Map<string, string>();
  for (const { path, leadingComments, trailingComments } of info?.location ?? []) {
    if (leadingComments || trailingComments) found.set(path.join("."), leadingComments || trailingComments);
  }
  return found;
}

/** The same from bytes. One reader goes over it all: there are a hundred locations to a message. */
function readComments(bytes: Uint8Array): Map<string, string> {
  const found = new Map<string, string>();
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (number === locationNumber) readLocation(reader, reader.uint32() + reader.pos, found);
    else reader.skip(wireType, number);
  }
  return found;
}

/** Reads a location up to its end, and its path only where it has a comment: fields stand in the order of their numbers. */
function readLocation(reader: BinaryReader, end: number, found: Map<string, string>): void {
  const start = reader.pos;
  let [leading, trailing] = ["", ""];
  while (reader.pos < end) {
    const [number, wireType] = reader.tag();
    if (number === leadingCommentsNumber) leading = reader.string();
    else if (number === trailingCommentsNumber) trailing = reader.string();
    else if (wireType === WireType.LengthDelimited) reader.pos = reader.uint32() + reader.pos;
    else reader.skip(wireType, number);
  }
  if (leading === "" && trailing === "") return;
  reader.pos = start;
  found.set(pathAt(reader, end).join("."), leading || trailing);
  reader.pos = end;
}

/** The path of the location that begins at the reader, packed or not. */
function pathAt(reader: BinaryReader, end: number): number[] {
  const path: number[] = [];
  while (reader.pos < end) {
    const [number, wireType] = reader.tag();
    if (number !== pathNumber) reader.skip(wireType, number);
    else if (wireType === WireType.Varint) path.push(reader.int32());
    else for (const last = reader.uint32() + reader.pos; reader.pos < last; ) path.push(reader.int32());
  }
  return path;
}

/** The bytes with locations first. buf puts its own notes there; encoded once more they would stand last. */
function locationsFirst(bytes: Uint8Array): Uint8Array {
  const reader = new BinaryReader(bytes);
  const parts: { readonly locations: Uint8Array[]; readonly others: Uint8Array[] } = { locations: [], others: [] };
  /** Where the locations that stand behind each other begin. */
  let first = 0;
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [number, wireType] = reader.tag();
    if (wireType === WireType.LengthDelimited) reader.pos = reader.uint32() + reader.pos;
    else reader.skip(wireType, number);
    if (number === locationNumber) continue;
    parts.locations.push(bytes.subarray(first, start));
    parts.others.push(bytes.subarray(start, reader.pos));
    first = reader.pos;
  }
  return parts.others.length === 0 ? bytes : Buffer.concat([...parts.locations, bytes.subarray(first), ...parts.others]);
}
