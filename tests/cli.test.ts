/** The generated commands against a running server, as they are typed. */
import { chmodSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Writable } from "node:stream";
import { main } from "../sdk/cli/src/main.js";
import { rpcCommands } from "../sdk/cli/src/gen/commands.js";
import { startTestServer, type TestServer } from "../server/src/testing/start.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

let server: TestServer;
let env: Record<string, string>;
const folder = mkdtempSync(join(tmpdir(), "parapet-cli-rpc-"));

class Sink extends Writable {
  text = "";
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

async function run(line: string | readonly string[], stdin = "", more: Record<string, string> = {}) {
  const [stdout, stderr] = [new Sink(), new Sink()];
  const input = new PassThrough();
  input.end(stdin);
  const code = await main({ argv: typeof line === "string" ? line.split(" ") : line, env: { ...env, ...more }, stdin: input, stdout, stderr });
  return { code, out: stdout.text, err: stderr.text };
}

beforeAll(async () => {
  server = await startTestServer();
  env = { PARAPET_CLI_CONFIG_DIR: join(folder, "config"), PARAPET_CLI_SERVER: server.url };
  expect(await run("login admin", `${server.adminPassword}\n`)).toMatchObject({ code: 0, err: "" });
});
afterAll(async () => {
  await server.close();
});

describe("parapet login", () => {
  it("keeps the token where only its owner reads it, and prints it nowhere", async () => {
    const { code, out } = await run("login admin --profile second", `${server.adminPassword}\n`);
    const path = join(folder, "config/credentials/second");
    expect([code, statSync(path).mode & 0o777]).toEqual([0, 0o600]);
    expect(out).not.toContain(readFileSync(path, "utf8").trim());
    expect(JSON.parse(readFileSync(join(folder, "config/config.json"), "utf8"))).toMatchObject({ profile: "default", profiles: { second: { server: server.url } } });
  });

  it("says why it did not", async () => {
    expect(await run("login admin", "wrong\n")).toMatchObject({ code: 1, out: "", err: expect.stringContaining("LOGIN_FAILED") as string });
  });
});

describe("a generated command", () => {
  it("adds, gets, lists and filters documents", async () => {
    for (const key of ["alpha", "beta", "gamma"]) {
      const added = await run(["documents", "add", "blog", key, "--lang", "en", "--content-md", `# ${key}`, "--meta", "tag=a", "--meta", "tag=b"]);
      expect(added).toMatchObject({ code: 0, err: "" });
    }
    const got = await run("documents get blog alpha --lang en");
    expect(JSON.parse(got.out)).toMatchObject({ document: { key: "alpha", meta: { tag: ["a", "b"] } } });
    const table = await run("documents search blog --output table --columns key,lang --filter key!=beta");
    expect(table.out.split("\n").map((line) => line.trim())).toEqual(["KEY    LANG", expect.stringMatching(/^(alpha|gamma) +en$/), expect.stringMatching(/^(alpha|gamma) +en$/), ""]);
    const all = await run("documents search blog --limit 1 --all --output ndjson --filter meta.tag=b --filter key~^[ab]");
    expect(all.out.trim().split("\n").map((line) => (JSON.parse(line) as { key: string }).key).sort()).toEqual(["alpha", "beta"]);
    const exported = await run("documents export blog --output ndjson");
    expect(exported.out.trim().split("\n")).toHaveLength(3);
  });

  it("streams messages from stdin", async () => {
    const lines = ["one", "two"].map((key) => JSON.stringify({ document: { key, lang: "en", contentMd: "#" } })).join("\n");
    const { code, out } = await run("documents import imported --input -", lines);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ imported: 2 });
  });

  it("says reason, fields and request id of a refusal", async () => {
    const missing = await run("documents get blog absent --lang en");
    expect(missing.code).toBe(1);
    expect(missing.err).toMatch(/^parapet: DOCUMENT_NOT_FOUND: .*\n {2}request id \S+\n$/);
    expect((await run("documents search blog --limit -1")).err).toContain("limit: ");
  });

  it("never takes a secret from the command line", async () => {
    const typed = await run("auth register --username carol --password hunter2hunter2");
    expect(typed.code).toBe(64);
    expect(typed.err).toContain("--password-file");
    expect(typed.err).not.toContain("hunter2");
    const whole = await run(["auth", "register", "--request", '{"username":"carol","password":"hunter2hunter2"}']);
    expect(whole).toMatchObject({ code: 64, err: expect.stringContaining("--request: password is a secret") as string });
    expect(whole.err).not.toContain("hunter2");
    const file = join(folder, "carol");
    writeFileSync(file, "a long pass phrase of carol\n", { mode: 0o644 });
    chmodSync(file, 0o644);
    expect((await run(["auth", "register", "--username", "carol", "--password-file", file])).err).toContain("chmod 600");
    chmodSync(file, 0o600);
    expect(await run(["auth", "register", "--username", "carol", "--password-file", file])).toMatchObject({ code: 0, err: "" });
    expect(await run("auth register --username dave", "a long pass phrase of dave\n")).toMatchObject({ code: 0, err: "" });
    expect(await run("login carol --profile carol", "a long pass phrase of carol\n")).toMatchObject({ code: 0 });
    expect(JSON.parse((await run("auth get-me --profile carol")).out)).toMatchObject({ username: "carol" });
  });

  it("gives a profile's credential to no other server", async () => {
    const { err } = await run(["auth", "get-me", "--server", server.url.replace("127.0.0.1", "localhost")]);
    expect(err).toContain("CREDENTIAL_MISSING");
  });

  it("shows what a server sends without letting it move the cursor", async () => {
    await run(["documents", "add", "blog", "evil", "--lang", "en", "--content-md", "\u001b[2Jgone\u202e"]);
    const { out } = await run("documents get blog evil --lang en --output table");
    expect(out).toContain("�[2Jgone�");
  });

  it.each([
    ["documents get blog", "missing: KEY"],
    ["documents get blog alpha beta", 'unexpected argument "beta"'],
    ["documents get blog alpha --frob 1", "unknown flag --frob"],
    ["documents search blog --limit many", "wanted a number"],
    ["documents search blog --filter nonsense", "wanted NAME=VALUE"],
    ["documents search blog --output xml", "wanted table, json, ndjson"],
    ["auth get-me --profile nobody", 'there is no profile "nobody"'],
    ["documents frob", 'unknown command "documents frob"'],
  ])("explains %s", async (line, message) => {
    expect(await run(line)).toMatchObject({ code: 64, out: "", err: expect.stringContaining(message) as string });
  });

  it("has help of its own", async () => {
    for (const command of rpcCommands) {
      const { code, out } = await run([command.group, command.name, "--help"]);
      expect([code, out.startsWith(`parapet ${command.group} ${command.name}`)]).toEqual([0, true]);
    }
  });

  it("has a flag of its own for every field", () => {
    for (const { positionals, flags } of rpcCommands) {
      const names = [...positionals, ...flags].map(({ flag }) => flag);
      expect(new Set(names).size).toBe(names.length);
    }
  });
});

describe("completion", () => {
  it.each([
    [["doc"], ["documents"]],
    [["documents", "search"], ["search"]],
    [["documents", "get", "--la"], ["--lang"]],
    [["documents", "get", "--output", ""], ["json", "ndjson", "table"]],
    [["auth", "register", "--pass"], ["--password-file"]],
  ])("of %j is %j", async (words, candidates) => {
    expect((await run(["complete", "--", ...words])).out.split("\n").filter(Boolean)).toEqual(candidates);
  });

  it.each(["bash", "zsh", "fish"])("has a script for %s", async (shell) => {
    expect((await run(["completion", shell])).out).toContain("parapet complete -- ");
  });
});
