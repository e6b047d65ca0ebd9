/** A compiled contract: descriptors with their comments. */
import { create, createFileRegistry, type DescFile, type FileRegistry, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { createHash } from "node:crypto";
import { compile } from "./compile.js";
import { applyPolicyFile } from "./policy-file/apply.js";
import type { PolicyFile } from "./policy-file/read.js";

/** Field of FileDescriptorProto in which buf says whether a file is only imported (buf/alpha/image/v1/image.proto). */
const bufExtensionNumber = 8042;
/** What it says then. */
const importNote = new BinaryWriter().bytes(new BinaryWriter().tag(1, WireType.Varint).bool(true).finish()).finish();
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

/** What of a folder is the contract, and what is said beside it. */
export interface ContractChoice {
  /** Files and folders within; where some are given, all others are only imported. */
  readonly paths?: readonly string[];
  readonly policy?: PolicyFile;
}

/**
 * Builds the image of a folder; see `compile` for what it may be.
 * @throws GeneratorError with rule `build-failed`, its message what buf said
 */
export async function buildImage(protoDir: string, { paths, policy }: ContractChoice = {}): Promise<Image> {
  return readImage(await compile(protoDir, paths), policy);
}

/**
 * Reads the bytes of a FileDescriptorSet or of a buf image. Files that buf marks as imports are not own.
 * @throws GeneratorError for a policy file that does not fit the contract
 */
export function readImage(bytes: Uint8Array, policy?: PolicyFile): Image {
  const { file: files } = fromBinary(FileDescriptorSetSchema, bytes);
  const own = new Set(files.filter((file) => !isImport(file)).map(({ name }) => name));
  // What buf notes about a file is no part of it.
  for (const file of files) delete file.$unknown;
  return imageOf(files, own, policy);
}

/**
 * The image of files, of which those named in `own` are the contract's own. What they import must be among them.
 * @throws GeneratorError for a policy file that does not fit the contract
 */
export function imageOf(given: FileDescriptorProto[], own: ReadonlySet<string>, policy?: PolicyFile): Image {
  const files = policy === undefined ? given : applyPolicyFile(given, own, policy);
  const ownFiles = files.filter(({ name }) => own.has(name)).sort((a, b) => (a.name < b.name ? -1 : 1));
  // The registry fills in defaults, so the bytes that are hashed are taken first.
  const encoded = ownFiles.map((file) => toBinary(FileDescriptorProtoSchema, file));
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: files }));
  return {
    registry,
    ownFiles: ownFiles.map((file) => registry.getFile(file.name)!),
    hash: sha256(encoded.map(withoutComments)),
    inputs: Object.fromEntries(ownFiles.map((file, index) => [file.name, sha256([encoded[index]!])])),
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

/** The bytes of an image as buf reads them, imports marked. */
export function imageBytes({ ownFiles }: Image): Uint8Array {
  const own = new Set(ownFiles.map(({ name }) => name));
  const file = withImports(ownFiles).map(({ name, proto }) => ({
    ...proto,
    ...(own.has(name) ? {} : { $unknown: [{ no: bufExtensionNumber, wireType: WireType.LengthDelimited, data: importNote }] }),
  }));
  return toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file }));
}

/** Files with all that they import, each after what it imports itself. */
export function withImports(files: readonly DescFile[]): DescFile[] {
  const taken = new Map<string, DescFile>();
  const take = (file: DescFile): void => {
    if (taken.has(file.name)) return;
    file.dependencies.forEach(take);
    taken.set(file.name, file);
  };
  files.forEach(take);
  return [...taken.values()];
}
