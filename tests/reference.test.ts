/** The calls that the reference documentation shows are calls that the server takes, typed as they stand. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { fromBinary } from "@bufbuild/protobuf";
import { ErrorInfoSchema } from "@parapet/contract/google/rpc/error_details_pb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestServer, type TestServer } from "../server/src/testing/start.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = join(root, "docs/reference");
const have = (program: string): boolean => spawnSync(program, ["--version"]).status === 0;

/** buf itself, ahead of the script in `.bin` that starts it: that is another process a call. */
const bufFolders = readdirSync(join(root, "node_modules/@bufbuild")).filter((name) => name.startsWith("buf-")).map((name) => join(root, "node_modules/@bufbuild", name, "bin"));

/** A method with what its page shows. */
interface Shown {
  readonly method: string;
  /** Reasons that its page lists. */
  readonly reasons: readonly string[];
  /** Shell commands by protocol. */
  readonly calls: readonly { readonly protocol: string; readonly text: string }[];
}

const shown: readonly Shown[] = readdirSync(folder)
  .filter((file) => file.endsWith("-service.md"))
  .flatMap((file) => readFileSync(join(folder, file), "utf8").split(/^## /m).slice(1))
  .filter((section) => section.includes("### Calls"))
  .map((section) => ({
    method: /`\/([\w.]+\/\w+)`/.exec(section)![1]!,
    reasons: [...section.matchAll(/^\| \[`(\w+)`\]\(reasons\.md/gm)].map(([, name]) => name!),
    calls: [...section.matchAll(/^(\w+):\n\n```sh\n([\s\S]*?)\n```/gm)].map(([, protocol, text]) => ({ protocol: protocol!, text: text! })),
  }));

/** Refusals of a call that is not written as the contract wants it. */
const misspelt = new Set(["FIELD_INVALID", "QUERY_PARAMETER_UNKNOWN", "CONTENT_TYPE_UNSUPPORTED", "IDEMPOTENCY_KEY_INVALID", "CREDENTIAL_MISSING", "TOKEN_INVALID"]);

let server: TestServer;
let token: string;
const home = mkdtempSync(join(tmpdir(), "parapet-reference-"));
beforeAll(async () => {
  server = await startTestServer({ PARAPET_RATE_LIMIT_REQUESTS: "100000" });
  const response = await fetch(`${server.url}/v1/auth/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ username: server.adminUser, password: server.adminPassword }),
  });
  ({ token } = (await response.json()) as { token: string });
  // So that the status is known without a word added to what the page shows.
  writeFileSync(join(home, ".curlrc"), 'silent\nshow-error\nwrite-out = "\\nHTTP %{http_code}\\n"\n');
});
afterAll(async () => {
  await server.close();
  rmSync(home, { recursive: true });
});

/** Types it, and returns what is printed. */
function type(text: string): Promise<string> {
  const here = text.replaceAll("http://localhost:11023", server.url);
  const env = { ...process.env, HOME: home, CURL_HOME: home, TOKEN: token, PATH: [...bufFolders, join(root, "node_modules/.bin"), process.env["PATH"]].join(delimiter) };
  const child = spawn("bash", ["-uc", here], { env, stdio: ["ignore", "pipe", "pipe"] });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("latin1").on("data", (chunk: string) => (printed += chunk));
  return new Promise((resolve) => child.on("close", (code) => resolve(`${printed}\nexit ${code}`)));
}

/** The reason in what was printed: in a problem document, or in the details of an error. */
function reasonIn(printed: string): string | undefined {
  const problem = /"reason":\s*"(\w+)"/.exec(printed)?.[1];
  if (problem !== undefined) return problem;
  const value = /"type":\s*"(?:type\.googleapis\.com\/)?google\.rpc\.ErrorInfo",\s*"value":\s*"([\w+/=]+)"/.exec(printed)?.[1];
  return value === undefined ? undefined : fromBinary(ErrorInfoSchema, Buffer.from(value, "base64")).reason;
}

test("every method of the contract is shown, on three protocols", () => {
  expect(shown).toHaveLength(40);
  expect(shown.flatMap(({ method, calls }) => (calls.map(({ protocol }) => protocol).join() === "REST,Connect,gRPC" ? [] : [method]))).toEqual([]);
});

describe.skipIf(!have("curl") || !have("bash"))("with curl and bash", () => {
  test.each(shown)("$method", async ({ reasons, calls }) => {
    for (const { protocol, text } of calls) {
      const printed = await type(text);
      const reason = reasonIn(printed);
      // What is not there or wrong in the example is no fault of the call.
      if (reason !== undefined) expect(reasons.filter((name) => !misspelt.has(name)), `${text}\n${printed}`).toContain(reason);
      else expect(printed, text).toMatch(protocol === "gRPC" ? /\nexit 0$/ : /\nHTTP 200\n\nexit 0$/);
    }
  });
});
