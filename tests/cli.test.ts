/** The generated commands against a running server, as they are typed. */
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
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

describe("a table", () => {
  it("keeps its columns under each other, whatever the width of a character", async () => {
    for (const [key, title] of [["wide", "漢字 😀"], ["marks", "e\u0301e\u0301"], ["long", "字".repeat(100)]] as const) {
      expect(await run(["documents", "add", "wide", key, "--lang", "en", "--meta", `title=${title}`])).toMatchObject({ code: 0 });
    }
    const { out } = await run("documents search wide --sort key --asc --output table --columns meta.title,key");
    expect(out).toBe(`META.TITLE${" ".repeat(51)}KEY\n${"字".repeat(29)}…  long\ne\u0301e\u0301${" ".repeat(59)}marks\n漢字 😀${" ".repeat(54)}wide\n`);
  });

  it("hides nothing that an answer says beside its list", async () => {
    const { out } = await run(["documents", "import", "counted", "--input", "-", "--output", "table"], JSON.stringify({ document: { key: "one", lang: "en" } }));
    expect(out.split("\n").map((line) => line.split(/ +/))).toEqual([["imported", "1"], ["refused", "0"], [""]]);
    const stats = await run("documents get-stats counted --output table");
    expect(stats.out).toMatch(/^NAME +DOCUMENTCOUNT.*\ncounted +1 .*\n\ntotalDocuments +1\n/);
  });
});

describe("a process", () => {
  const program = fileURLToPath(new URL("../sdk/cli/bin/parapet.js", import.meta.url));

  it("ends without a word when its reader goes away", async () => {
    const lines = Array.from({ length: 500 }, (_, at) => JSON.stringify({ document: { key: `k${at}`, lang: "en", contentMd: "x".repeat(1_000) } })).join("\n");
    expect(await run("documents import pipe --input -", lines)).toMatchObject({ code: 0 });
    const shell = spawn("bash", ["-c", `"$0" "$1" documents export pipe --output ndjson | head -1; echo "\${PIPESTATUS[0]}"`, process.execPath, program], { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    const [out, err] = await Promise.all([text(shell.stdout), text(shell.stderr)]);
    expect([out.split("\n").slice(1), err]).toEqual([["141", ""], ""]);
  });
});

describe("parapet credential", () => {
  it("keeps an API key for the commands of its profile, and for no other server", async () => {
    const { key: apiKey } = JSON.parse((await run(["auth", "create-api-key", "--description", "cli"])).out) as { key: string };
    const kept = await run("credential --profile keyed", `${apiKey}\n`);
    expect(kept).toMatchObject({ code: 0, err: "" });
    expect(kept.out).not.toContain(apiKey);
    expect(statSync(join(folder, "config/credentials/keyed")).mode & 0o777).toBe(0o600);
    expect(JSON.parse((await run("auth get-me --profile keyed")).out)).toMatchObject({ username: "admin" });
  });

  it("is kept for the server of its own profile, not for that of another", async () => {
    const alone = { PARAPET_CLI_SERVER: "", PARAPET_CLI_CONFIG_DIR: join(folder, "two") };
    expect(await run(["credential", "--server", "https://one.example"], "one\n", alone)).toMatchObject({ code: 0 });
    expect(await run(["credential", "--server", "https://two.example", "--profile", "two"], "two\n", alone)).toMatchObject({ code: 0 });
    expect((await run("credential --profile two", "anew\n", alone)).out).toContain("for https://two.example is in");
    expect(JSON.parse(readFileSync(join(folder, "two/config.json"), "utf8"))).toMatchObject({ profiles: { default: { server: "https://one.example" }, two: { server: "https://two.example" } } });
  });

  it.each([
    ["Ctrl-C", "half\u0003", 130, ""],
    ["Ctrl-D", "\u0004", 64, "parapet: no secret was given\n"],
    ["nothing", "\r", 64, "parapet: no secret was given\n"],
  ])("is not kept after %s at the prompt", async (_, keys, status, said) => {
    const [stdout, stderr] = [new Sink(), new Sink()];
    const terminal = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => undefined });
    terminal.write(keys);
    const code = await main({ argv: ["credential", "--profile", "never"], env, stdin: terminal, stdout, stderr });
    expect([code, stderr.text.split("\n").slice(1).join("\n"), stdout.text]).toEqual([status, said, ""]);
  });

  it("takes back what is typed wrong", async () => {
    const terminal = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => undefined });
    terminal.write("wrong\u0015secreT😀\u007f\u007ft\r");
    expect(await main({ argv: ["credential", "--profile", "typed"], env, stdin: terminal, stdout: new Sink(), stderr: new Sink() })).toBe(0);
    expect(readFileSync(join(folder, "config/credentials/typed"), "utf8")).toBe("secret\n");
  });
});

describe("completion", () => {
  it.each([
    [["doc"], ["documents"]],
    [["documents", "search"], ["search"]],
    [["documents", "get", "--la"], ["--lang"]],
    [["documents", "get", "--output", ""], ["json", "ndjson", "table"]],
    [["auth", "register", "--pass"], ["--password-file"]],
    [["auth", "register", "--password-file", ""], []],
    [["documents", "search", "x", "--filter", "--"], []],
    [["documents", "search", "x", "--all", "--lan"], ["--lang"]],
  ])("of %j is %j", async (words, candidates) => {
    expect((await run(["complete", "--", ...words])).out.split("\n").filter(Boolean)).toEqual(candidates);
  });

  it.each(["bash", "zsh", "fish"])("has a script for %s", async (shell) => {
    expect((await run(["completion", shell])).out).toContain("parapet complete -- ");
  });

  // What each shell is asked, so that it says what Tab would offer.
  const asked = {
    bash: `COMP_WORDS=(parapet documents sea); COMP_CWORD=2; _parapet; echo "\${COMPREPLY[@]}"`,
    zsh: `compadd() { print -l -- "\${found[@]}" }; words=(parapet documents sea); CURRENT=3; _parapet`,
    fish: `complete -C "parapet documents sea"`,
  } as const;
  const offered = (shell: keyof typeof asked): string => {
    const bin = join(folder, "bin");
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, "parapet"), `#!/bin/sh\nexec "${process.execPath}" "${fileURLToPath(new URL("../sdk/cli/bin/parapet.js", import.meta.url))}" "$@"\n`, { mode: 0o755 });
    const load = shell === "fish" ? "parapet completion fish | source" : `${shell === "zsh" ? "compdef() { :; }; " : ""}source <(parapet completion ${shell})`;
    const { stdout, stderr } = spawnSync(shell, [...(shell === "zsh" ? ["-f"] : shell === "fish" ? ["-N"] : ["--norc"]), "-c", `${load}\n${asked[shell]}`], { env: { ...process.env, PATH: `${bin}:${process.env["PATH"] ?? ""}` }, encoding: "utf8" });
    return stdout + stderr;
  };
  for (const shell of ["bash", "zsh", "fish"] as const) {
    it.skipIf(spawnSync(shell, ["--version"]).status !== 0)(`works in ${shell}`, () => {
      expect(offered(shell).trim()).toBe("search");
    }, 30_000);
  }
});
