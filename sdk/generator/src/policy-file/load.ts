/** Loads a policy file from disk. What reads YAML is loaded only where there is one. */
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { GeneratorError } from "../errors.js";
import type { PolicyFile } from "./read.js";

/** A policy file as it stands on disk. */
export interface PolicyText {
  /** How problems call the file. */
  readonly name: string;
  readonly text: string;
}

/** @throws GeneratorError for a file that cannot be read */
export async function loadPolicyText(path: string): Promise<PolicyText> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new GeneratorError([{ rule: "policy-file-invalid", place: path, message: error.code === "ENOENT" ? "there is no such file" : error.message }]);
  });
  return { name: basename(path), text };
}

/**
 * What a policy file says; nothing where there is none.
 * @throws GeneratorError for a file that is not right
 */
export async function readPolicyText(said: PolicyText | undefined): Promise<PolicyFile | undefined> {
  if (said === undefined) return undefined;
  const { readPolicyFile } = await import("./read.js");
  return readPolicyFile(said.text, said.name);
}

/** @throws GeneratorError for a file that is not there or not right */
export async function loadPolicyFile(path: string): Promise<PolicyFile> {
  return (await readPolicyText(await loadPolicyText(path)))!;
}
