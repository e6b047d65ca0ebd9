/** What the command line accepts, and what it refuses. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readOptions } from "./options.js";

const env = { PARAPET_ADMIN_PASSWORD: "from the environment" };
const run = ["run", "--target", "http://localhost:11023"];

function file(text: string | Uint8Array): string {
  const path = join(mkdtempSync(join(tmpdir(), "parapet-conformance-")), "file");
  writeFileSync(path, text);
  return path;
}

describe("the command line", () => {
  it("has defaults for everything but target and password", () => {
    expect(readOptions(run, env)).toMatchObject({ command: "run", adminUser: "admin", adminPassword: "from the environment", profile: "smoke", only: [], protocols: [], timeoutMs: 15_000, warnings: [] });
  });

  it("reads lists and repeated options", () => {
    expect(readOptions([...run, "--only", "AN-01,AN-02", "--only=AZ-01", "--protocol", "rest/h1"], env)).toMatchObject({ only: ["AN-01", "AN-02", "AZ-01"], protocols: ["rest/h1"] });
  });

  it("takes the password from a file, without its line end", () => {
    expect(readOptions([...run, "--admin-password-file", file("s3cret\n")], {})).toMatchObject({ adminPassword: "s3cret" });
  });

  it("keeps every byte of a key that is no text", () => {
    const bytes = Uint8Array.of(1, 2, 0xff, 0x0a);
    expect(readOptions([...run, "--signing-key-file", file(bytes)], env)).toMatchObject({ signingKey: Buffer.from(bytes) });
  });

  it("warns of a password that everybody can see", () => {
    expect(readOptions([...run, "--admin-password", "x"], {})).toMatchObject({ adminPassword: "x", warnings: [expect.stringContaining("--admin-password")] });
  });

  const wrong: [argv: string[], problem: RegExp][] = [
    [["frobnicate"], /unknown command/],
    [["run"], /--target: missing/],
    [["run", "--target", "localhost:11023"], /--target/],
    [["run", "--target", "http://x/path"], /--target/],
    [[...run, "--profile", "nightly"], /--profile "nightly": wanted smoke/],
    [[...run, "--report", "html", "--out", "x"], /--report "html"/],
    [[...run, "--report", "jsonl"], /belong together/],
    [[...run, "--protocol", "soap/h1"], /--protocol soap\/h1/],
    [[...run, "--seed", "x"], /--seed/],
    [[...run, "--frob", "x"], /unknown argument "--frob"/],
    [[...run, "--target", "http://y"], /given twice/],
    [[...run, "--only"], /--only: wanted a value/],
    [[...run, "--admin-password-file", "/nowhere/file"], /cannot be read/],
  ];
  it.each(wrong)("%o is refused", (argv, problem) => {
    const options = readOptions(argv, env);
    expect(options).toMatchObject({ command: "wrong" });
    expect("problems" in options ? options.problems.join("\n") : "").toMatch(problem);
  });

  it("reports every problem at once", () => {
    const options = readOptions(["run", "--profile", "x", "--seed", "y"], {});
    expect("problems" in options ? options.problems.length : 0).toBe(4);
  });
});
