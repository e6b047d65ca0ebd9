/** Reads and writes files; what the system refuses is said with the path. */
import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** A file or folder that cannot be what it has to be. */
export class FileError extends Error {
  override readonly name = "FileError";

  /** @param problem what is wrong with it, and what to do */
  constructor(
    readonly path: string,
    problem: string,
    options?: ErrorOptions,
  ) {
    super(`${path}: ${problem}`, options);
  }
}

/** What an error of the system means, by its code. */
const meanings: Readonly<Record<string, string>> = {
  EACCES: "access is denied",
  EPERM: "access is denied",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EFBIG: "the file is larger than the system allows",
  EISDIR: "this is a folder where a file has to be",
  ENOTDIR: "a part of the path is a file where a folder has to be",
  ELOOP: "the path leads through a circle of links",
  ENAMETOOLONG: "the name is too long",
  EMFILE: "too many files are open",
};

/** The error of a file that the system refuses. */
export function refused(path: string, cause: unknown): FileError {
  const { code = "", message } = cause as NodeJS.ErrnoException;
  return cause instanceof FileError ? cause : new FileError(path, meanings[code] ?? message, { cause });
}

/**
 * The bytes of a file; undefined where there is none.
 * @throws FileError
 */
export async function readBytes(file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(file);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw refused(file, error);
  }
}

/**
 * Writes a file, and the folders it stands in where they are missing.
 * @throws FileError
 */
export async function write(file: string, content: string | Uint8Array): Promise<void> {
  await inFolder(file, () => writeFile(file, content));
}

/**
 * Writes a file that is there whole or, if the program or the system stops, as it was before.
 * @throws FileError
 */
export async function writeWhole(file: string, content: string | Uint8Array): Promise<void> {
  const beside = join(dirname(file), `.${basename(file)}.parapet-generate`);
  await inFolder(file, async () => {
    try {
      await writeFile(beside, content);
      await rename(beside, file);
    } catch (error) {
      await rm(beside, { force: true }).catch(() => undefined);
      throw error;
    }
  });
}

/**
 * Removes a file, if it is there.
 * @throws FileError
 */
export async function remove(file: string): Promise<void> {
  await rm(file, { force: true }).catch((error: unknown) => {
    throw refused(file, error);
  });
}

/**
 * Makes a folder with those above it, where they are missing. `mkdir` of Node with `recursive` never ends where the system
 * says of a new folder that there is no such place, as it does in /proc.
 * @throws FileError
 */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder).catch(async (error: unknown) => {
      if (codeOf(error) !== "ENOENT" || dirname(folder) === folder) throw error;
      await makeFolder(dirname(folder));
      await mkdir(folder);
    });
  } catch (error) {
    if (codeOf(error) === "ENOENT") throw new FileError(folder, "no folder can be made here", { cause: error });
    if (codeOf(error) !== "EEXIST") throw refused(folder, error);
    if (!(await isFolder(folder))) throw new FileError(folder, "this is a file where a folder has to be", { cause: error });
  }
}

/** Does something with a file, after it has made the folders above it if that fails without them. */
async function inFolder(file: string, work: () => Promise<void>): Promise<void> {
  try {
    await work().catch(async (error: unknown) => {
      if (codeOf(error) !== "ENOENT") throw error;
      await makeFolder(dirname(file));
      await work();
    });
  } catch (error) {
    throw refused(file, error);
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
