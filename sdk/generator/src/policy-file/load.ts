/** Loads a policy file from disk. */
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { GeneratorError } from "../errors.js";
import { type PolicyFile, readPolicyFile } from "./read.js";

/** @throws GeneratorError for a file that is not there or not right */
export async function loadPolicyFile(path: string): Promise<PolicyFile> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new GeneratorError([{ rule: "policy-file-invalid", place: path, message: error.code === "ENOENT" ? "there is no such file" : error.message }]);
  });
  return readPolicyFile(text, basename(path));
}
