/** What the command line prints and with which code it ends. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { main } from "./main.js";

class Sink extends Writable {
  text = "";
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

async function run(argv: string[], env: Record<string, string> = {}) {
  const stdout = new Sink();
  const stderr = new Sink();
  const code = await main({ argv, env, stdout, stderr });
  return { code, stdout: stdout.text, stderr: stderr.text };
}

describe("the command line", () => {
  const before = process.cwd();
  beforeAll(() => process.chdir(mkdtempSync(join(tmpdir(), "parapet-cli-"))));
  afterAll(() => process.chdir(before));

  it.each([[["help"]], [["--help"]], [["-h"]], [[]]])("prints its commands for %o", async (argv) => {
    const { code, stdout } = await run(argv);
    expect(code).toBe(0);
    for (const name of ["serve", "config", "help", "--version"]) expect(stdout).toContain(`parapet ${name}`);
  });

  it("prints its version", async () => {
    expect(await run(["--version"])).toEqual({ code: 0, stdout: expect.stringMatching(/^parapet \d+\.\d+\.\d+\n$/), stderr: "" });
  });

  it.each(["frobnicate", "constructor"])("refuses the unknown command %s", async (name) => {
    const { code, stderr } = await run([name]);
    expect(code).toBe(64);
    expect(stderr).toContain(`unknown command "${name}"`);
  });

  it("prints the configuration in force without secrets", async () => {
    const { code, stdout } = await run(["config"], { PARAPET_AUTH_ADMIN_PASSWORD: "changeme", PARAPET_STORE: "memory" });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^PARAPET_STORE=memory +# environment$/m);
    expect(stdout).not.toContain("changeme");
  });

  it("reports a wrong configuration with all its problems", async () => {
    const { code, stderr } = await run(["config"], { PARAPET_STORE: "x", PARAPET_ADDR: "y" });
    expect(code).toBe(78);
    expect(stderr).toContain("2 problems");
  });

  it("prints the table of variables", async () => {
    expect((await run(["config", "--markdown"])).stdout).toContain("| `PARAPET_ADDR` |");
  });

  it("explains a command instead of running it", async () => {
    expect(await run(["serve", "--help"])).toMatchObject({ code: 0, stdout: expect.stringContaining("start the server") });
  });
});
