/** The file in which a generated password waits for the first admin: readable by the owner alone, there whole or not at all. */
import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/** Writes a password and a line end, replacing what was there, with mode 0600 in a directory that is made with 0700 if it is missing. Durable when it returns. */
export function writePasswordFile(path: string, password: string): void {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const draft = `${path}.${randomBytes(8).toString("hex")}.new`;
  try {
    const file = openSync(draft, "wx", 0o600);
    try {
      writeSync(file, `${password}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(draft, path);
  } finally {
    rmSync(draft, { force: true });
  }
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** Removes the file; nothing happens if it is not there. */
export function removePasswordFile(path: string): void {
  rmSync(path, { force: true });
}
