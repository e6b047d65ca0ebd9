/** Contracts to test against: Parapet's own, and small ones with awkward or refused parts, each compiled once a process. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildModel } from "../build/build-model.js";
import { buildImage, type Image } from "../image.js";
import type { Model, OutputFile, Target } from "../model.js";

const folders = {
  /** Parapet's own contract. */
  parapet: "../../../../proto",
  /** Small contracts that the generator takes, though others stumble. */
  awkward: "./awkward",
  /** Small contracts that the generator refuses. */
  refused: "./refused",
  /** Buckets that the generator refuses. */
  buckets: "./buckets",
} as const;

/** Name of a folder of test contracts. */
export type ContractName = keyof typeof folders;

const images = new Map<ContractName, Promise<Image>>();

/** The image of a whole folder. */
export function imageOf(name: ContractName): Promise<Image> {
  const image = images.get(name) ?? buildImage(fileURLToPath(new URL(folders[name], import.meta.url)));
  images.set(name, image);
  return image;
}

/** The image of protos that a test has written: their texts by path. */
export async function imageOfTexts(files: Readonly<Record<string, string>>): Promise<Image> {
  const folder = await mkdtemp(join(tmpdir(), "parapet-contract-"));
  try {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    return await buildImage(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What stands ahead of the RPCs of such a proto: its package, what policy needs, and a bucket "api". */
export function protoHead(packageName: string, ...imports: readonly string[]): string {
  const all = ["google/api/annotations.proto", "parapet/policy/v1/policy.proto", ...imports].map((path) => `import "${path}";\n`);
  const bucket = 'option (parapet.policy.v1.file) = {buckets: [{name: "api", algorithm: ALGORITHM_TOKEN_BUCKET, requests: 60, burst: 20, window: {seconds: 60}}]};\n';
  return `syntax = "proto3";\npackage ${packageName};\n${all.join("")}${bucket}`;
}

/** An RPC for everybody, which changes nothing. `http` is its google.api.HttpRule. */
export function rpcOf(signature: string, http: string, more = ""): string {
  return `  rpc ${signature} {
    option idempotency_level = NO_SIDE_EFFECTS;
    option (google.api.http) = {${http}};
    option (parapet.policy.v1.method) = {access: {public: {}} limit: {bucket: "api"} audit: {action: "look", resource: "things", level: AUDIT_LEVEL_NONE} ${more}};
  }
`;
}

/** The image with one file as the contract and the others as its imports; `hash` is fixed, so that goldens do not change with it. */
export async function imageOfFile(name: ContractName, file: string): Promise<Image> {
  const image = await imageOf(name);
  const ownFiles = image.ownFiles.filter((each) => each.proto.name.endsWith(`/${file}`));
  if (ownFiles.length !== 1) throw new Error(`${name} has no one file ${file}`);
  return { ...image, hash: "0".repeat(64), ownFiles };
}

/** The model of one file. */
export async function modelOfFile(name: ContractName, file: string): Promise<Model> {
  return buildModel(await imageOfFile(name, file));
}

/** The model of a whole folder. */
export async function modelOf(name: ContractName): Promise<Model> {
  return buildModel(await imageOf(name));
}

/** What a target makes of an image. */
export function emitted(target: Target, image: Image, options: Readonly<Record<string, string>> = {}): readonly OutputFile[] {
  return target.emit(buildModel(image), options, image);
}
