/** A compiled contract: descriptors with their comments. */
import { create, createFileRegistry, type DescFile, type FileRegistry, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { createHash } from "node:crypto";
import { compile } from "./compile.js";
import { applyPolicyFile } from "./policy-file/apply.js";
import type { PolicyFile } from "./policy-file/read.js";
import { sourceInfoBytes, sourceInfoOf, takeSourceInfo } from "./source-info.js";

/** Field of FileDescriptorSet, and of a buf image. */
const fileNumber = 1;
/** Field of FileDescriptorProto in which buf says whether a file is only imported (buf/alpha/image/v1/image.proto). */
const bufExtensionNumber = 8042;
const isImportNumber = 1;
/** What it says then. */
const importNote = new BinaryWriter().bytes(new BinaryWriter().tag(isImportNumber, WireType.Varint).bool(true).finish()).finish();
/** Field of FileDescriptorProto that holds the comments. */
const sourceInfoNumber = 9;

/** A compiled contract. */
export interface Image {
  /** Every file with its imports, comments included. */
  readonly registry: FileRegistry;
  /** The contract's own files, sorted by name; the others are imports. */
  readonly ownFiles: readonly DescFile[];
  /** SHA-256 in hex of the own files without comments; empty in an image that was read without hashes. */
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
 * @param hashed false for an image without hashes, which is read sooner
 * @throws GeneratorError for a policy file that does not fit the contract
 */
export function readImage(bytes: Uint8Array, policy?: PolicyFile, hashed = true): Image {
  const read = fieldsOf(bytes).filter(({ number }) => number === fileNumber).map(({ value }) => readFile(value));
  return imageOf(read.map(({ file }) => file), new Set(read.filter(({ isImport }) => !isImport).map(({ file }) => file.name)), policy, hashed);
}

function readFile(bytes: Uint8Array): { readonly file: FileDescriptorProto; readonly isImport: boolean } {
  const fields = fieldsOf(bytes);
  const valueOf = (wanted: number): Uint8Array | undefined => fields.find(({ number }) => number === wanted)?.value;
  // What buf notes about a file is no part of it.
  const file = fromBinary(FileDescriptorProtoSchema, Buffer.concat(fields.filter(({ number }) => number !== sourceInfoNumber && number !== bufExtensionNumber).map(({ whole }) => whole)));
  const [sourceInfo, note] = [valueOf(sourceInfoNumber), valueOf(bufExtensionNumber)];
  if (sourceInfo !== undefined) takeSourceInfo(file, sourceInfo);
  return { file, isImport: note !== undefined && fieldsOf(note).some(({ number, whole }) => number === isImportNumber && whole.at(-1) === 1) };
}

/** The fields of a message: each with its tag, and the bytes of those that are messages. */
function fieldsOf(bytes: Uint8Array): { readonly number: number; readonly whole: Uint8Array; readonly value: Uint8Array }[] {
  const reader = new BinaryReader(bytes);
  const fields = [];
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [number, wireType] = reader.tag();
    const value = wireType === WireType.LengthDelimited ? reader.bytes() : reader.skip(wireType, number);
    fields.push({ number, whole: bytes.subarray(start, reader.pos), value });
  }
  return fields;
}

/**
 * The image of files, of which those named in `own` are the contract's own. What they import must be among them.
 * @throws GeneratorError for a policy file that does not fit the contract
 */
export function imageOf(given: FileDescriptorProto[], own: ReadonlySet<string>, policy?: PolicyFile, hashed = true): Image {
  const files = policy === undefined ? given : applyPolicyFile(given, own, policy);
  const ownFiles = files.filter(({ name }) => own.has(name)).sort((a, b) => (a.name < b.name ? -1 : 1));
  // The registry fills in defaults, so the bytes that are hashed are taken first.
  const encoded = hashed ? ownFiles.map(encodedOf) : [];
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: files }));
  return {
    registry,
    ownFiles: ownFiles.map((file) => registry.getFile(file.name)!),
    hash: hashed ? sha256(encoded.map(({ bare }) => bare)) : "",
    inputs: Object.fromEntries(encoded.map(({ whole }, index) => [ownFiles[index]!.name, sha256([whole])])),
  };
}

/** A file as bytes, with its comments and without. */
function encodedOf(file: FileDescriptorProto): { readonly bare: Uint8Array; readonly whole: Uint8Array } {
  const bare = toBinary(FileDescriptorProtoSchema, { ...file, sourceCodeInfo: undefined });
  const sourceInfo = sourceInfoBytes(file);
  if (sourceInfo === undefined) return { bare, whole: bare };
  // Fields stand in the order of their numbers.
  const fields = fieldsOf(bare);
  const [before, behind] = [fields.filter(({ number }) => number < sourceInfoNumber), fields.filter(({ number }) => number > sourceInfoNumber)].map((part) => part.map(({ whole }) => whole));
  const own = new BinaryWriter().tag(sourceInfoNumber, WireType.LengthDelimited).bytes(sourceInfo).finish();
  return { bare, whole: Buffer.concat([...before!, own, ...behind!]) };
}

function sha256(parts: readonly Uint8Array[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${part.length}\n`).update(part);
  return hash.digest("hex");
}

/** The bytes of an image as buf reads them, imports marked. */
export function imageBytes({ ownFiles }: Image): Uint8Array {
  const own = new Set(ownFiles.map(({ name }) => name));
  const file = withImports(ownFiles).map(({ name, proto }) => ({
    ...proto,
    sourceCodeInfo: sourceInfoOf(proto),
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
