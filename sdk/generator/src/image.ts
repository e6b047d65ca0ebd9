/** A compiled contract: descriptors with their comments. */
import { createFileRegistry, type DescFile, type FileRegistry, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { createHash } from "node:crypto";
import { compile } from "./compile.js";

/** Field of FileDescriptorProto in which buf says whether a file is only imported (buf/alpha/image/v1/image.proto). */
const bufExtensionNumber = 8042;
/** Field of FileDescriptorProto that holds the comments. */
const sourceInfoNumber = 9;

/** A compiled contract. */
export interface Image {
  /** Every file with its imports, comments included. */
  readonly registry: FileRegistry;
  /** The contract's own files, sorted by name; the others are imports. */
  readonly ownFiles: readonly DescFile[];
  /** SHA-256 in hex of the own files without comments. */
  readonly hash: string;
  /** Own files by name, with the SHA-256 in hex of their descriptors, comments included. */
  readonly inputs: Readonly<Record<string, string>>;
}

/**
 * Builds the image of a folder; see `compile` for what it may be.
 * @throws GeneratorError with rule `build-failed`, its message what buf said
 */
export async function buildImage(protoDir: string): Promise<Image> {
  return readImage(await compile(protoDir));
}

/** Reads the bytes of a FileDescriptorSet or of a buf image. Files that buf marks as imports are not own. */
export function readImage(bytes: Uint8Array): Image {
  const set = fromBinary(FileDescriptorSetSchema, bytes);
  const own = set.file.filter((file) => !isImport(file)).sort((a, b) => (a.name < b.name ? -1 : 1));
  // What buf notes about a file is no part of it.
  for (const file of set.file) delete file.$unknown;
  // The registry fills in defaults, so the bytes that are hashed are taken first.
  const encoded = own.map((file) => toBinary(FileDescriptorProtoSchema, file));
  const registry = createFileRegistry(set);
  return {
    registry,
    ownFiles: own.map((file) => registry.getFile(file.name)!),
    hash: sha256(encoded.map(withoutComments)),
    inputs: Object.fromEntries(own.map((file, index) => [file.name, sha256([encoded[index]!])])),
  };
}

/** Cuts the source info out of a file's bytes, which costs less than to encode them once more. */
function withoutComments(bytes: Uint8Array): Uint8Array {
  const reader = new BinaryReader(bytes);
  const kept: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [number, wireType] = reader.tag();
    reader.skip(wireType, number);
    if (number !== sourceInfoNumber) kept.push(bytes.subarray(start, reader.pos));
  }
  return Buffer.concat(kept);
}

function sha256(parts: readonly Uint8Array[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${part.length}\n`).update(part);
  return hash.digest("hex");
}

function isImport(file: FileDescriptorProto): boolean {
  const note = file.$unknown?.find((unknown) => unknown.no === bufExtensionNumber);
  if (note === undefined) return false;
  const outer = new BinaryReader(note.data);
  const reader = new BinaryReader(outer.bytes());
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (number === 1) return reader.bool();
    reader.skip(wireType, number);
  }
  return false;
}
