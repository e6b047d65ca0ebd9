/** Key files: 32 random bytes in a file that only its owner can read. */
import { randomBytes } from "node:crypto";
import { closeSync, constants, fstatSync, fsyncSync, linkSync, mkdirSync, openSync, readSync, rmSync, statSync, writeSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/** Length of a key, in bytes. */
const keyBytes = 32;
/** Bits that give anything to group or others. */
const wider = 0o077;

/**
 * The key in the file at `path`; made first if the file is not there. The directory is made with mode 0700, the file with
 * 0600, complete and synced before it has its name, and never over another one. Throws an Error that names the file and
 * what is wrong with it (never what is in it) if file or directory is open to group or others, belongs to another user, or
 * does not hold 32 bytes.
 */
export function loadOrCreateKeyFile(path: string): Uint8Array {
  const file = resolve(path);
  const directory = dirname(file);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  refuseWider(directory, statSync(directory));
  const found = read(file);
  if (found !== undefined) return found;
  create(directory, file);
  // Read again: if another process was first, its key is the key.
  const made = read(file);
  if (made === undefined) throw new Error(`the key file ${file} cannot be made`);
  return made;
}

function read(file: string): Uint8Array | undefined {
  let handle: number;
  try {
    handle = openSync(file, constants.O_RDONLY);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    const stat = fstatSync(handle);
    if (!stat.isFile()) throw new Error(`the key file ${file} is not a file`);
    refuseWider(file, stat);
    const key = new Uint8Array(keyBytes + 1);
    const length = readSync(handle, key, 0, key.length, 0);
    if (length !== keyBytes) throw new Error(`the key file ${file} does not hold ${keyBytes} bytes`);
    return key.slice(0, keyBytes);
  } finally {
    closeSync(handle);
  }
}

function create(directory: string, file: string): void {
  const draft = join(directory, `.draft-${randomBytes(8).toString("hex")}`);
  const handle = openSync(draft, "wx", 0o600);
  try {
    writeSync(handle, randomBytes(keyBytes));
    fsyncSync(handle);
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    closeSync(handle);
    rmSync(draft, { force: true });
  }
  const folder = openSync(directory, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function refuseWider(path: string, { mode, uid }: { mode: number; uid: number }): void {
  const own = process.getuid?.();
  // Windows has neither.
  if (own === undefined) return;
  if ((mode & wider) !== 0) throw new Error(`${path} is open to others (mode ${(mode & 0o777).toString(8)}); a key needs mode 600 in a directory of mode 700`);
  if (uid !== own && own !== 0) throw new Error(`${path} belongs to another user`);
}
