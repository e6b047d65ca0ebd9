// Tests the commands `lint` and `diff` as they are typed, on one small contract and changes of it.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { main } from "../cli.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "parapet-diff-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const method = `    option idempotency_level = IDEMPOTENT;
    option (google.api.http) = {put: "/v1/books/{book}" body: "*"};
    option (parapet.policy.v1.method) = {
      access: {permission: {right: RIGHT_WRITE, resource_field: "book"}}
      limit: {bucket: "api"}
      audit: {action: "book.put", resource: "books/{book}", level: AUDIT_LEVEL_METADATA}
      idempotency_key: IDEMPOTENCY_KEY_OPTIONAL
    };`;
const contract = `syntax = "proto3";
package books.v1;
import "google/api/annotations.proto";
import "parapet/policy/v1/policy.proto";
option (parapet.policy.v1.file) = {buckets: [{name: "api", algorithm: ALGORITHM_TOKEN_BUCKET, requests: 60, burst: 20, window: {seconds: 60}}]};
service BooksService {
  rpc PutBook(PutBookRequest) returns (PutBookResponse) {
${method}
  }
}
message PutBookRequest {
  string book = 1;
  string pin = 2 [debug_redact = true];
}
message Page { string text = 1; }
message PutBookResponse { repeated Page pages = 1; }
`;

let made = 0;
async function contractOf(text: string): Promise<string> {
  const path = join(folder, String(made++));
  await mkdir(path);
  await writeFile(join(path, "books.proto"), text);
  return path;
}

function edited(...edits: readonly (readonly [from: string, to: string])[]): string {
  return edits.reduce((text, [from, to]) => {
    expect(text).toContain(from);
    return text.replace(from, to);
  }, contract);
}

async function run(...args: string[]): Promise<{ status: number; out: string; err: string }> {
  const lines = { out: [] as string[], err: [] as string[] };
  const status = await main(args, { out: (line) => lines.out.push(line), err: (line) => lines.err.push(line) });
  return { status, out: lines.out.join("\n"), err: lines.err.join("\n") };
}

describe("parapet-generate diff", () => {
  let before: string;
  beforeAll(async () => {
    before = await contractOf(contract);
  });

  const cases: [what: string, from: string, to: string, status: number, line: RegExp][] = [
    ["another path", "/v1/books/{book}", "/v1/tomes/{book}", 1, /^major +books\.v1\.BooksService\/PutBook: PUT \/v1\/books\/\{book\} is gone$/m],
    ["another verb", "put:", "patch:", 1, /^major .*: PUT \/v1\/books\/\{book\} is gone$/m],
    ["another body", 'body: "*"', 'body: "pin"', 1, /^major .* takes "pin" as its body instead of the whole message$/m],
    ["a further binding", '"/v1/books/{book}" body: "*"', '"/v1/books/{book}" body: "*" additional_bindings {put: "/v1/tomes/{book}" body: "*"}', 0, /^minor .*PUT \/v1\/tomes\/\{book\} was added$/m],
    ["less access", "RIGHT_WRITE", "RIGHT_ADMIN", 1, /^major stricter .*: access: admin on "book" instead of write on "book"$/m],
    ["more access", "RIGHT_WRITE", "RIGHT_READ", 1, /^minor weaker .*: access: read on "book" instead of write on "book"$/m],
    ["access for everybody", 'permission: {right: RIGHT_WRITE, resource_field: "book"}', "public: {}", 1, /^minor weaker .*: access: public instead of write on "book"$/m],
    ["a higher cost", '{bucket: "api"}', '{bucket: "api", cost: 5}', 1, /^major stricter .*: limit: costs 5 instead of 1$/m],
    ["no limit", 'limit: {bucket: "api"}', "limit: {exempt: true}", 1, /^minor weaker .*: limit: exempt instead of bucket "api"$/m],
    ["larger numbers", "requests: 60", "requests: 600", 1, /^minor weaker +bucket api: 600 \+ 20 in 60000 ms instead of 60 \+ 20 in 60000 ms$/m],
    ["less audit", "AUDIT_LEVEL_METADATA", "AUDIT_LEVEL_NONE", 1, /^minor weaker .*: audit: level none instead of metadata$/m],
    ["more audit", "AUDIT_LEVEL_METADATA", "AUDIT_LEVEL_REQUEST", 0, /^patch stricter .*: audit: level request instead of metadata$/m],
    ["no safe retries", "option idempotency_level = IDEMPOTENT;", "", 1, /^major .*: idempotency_level: unknown instead of idempotent$/m],
    ["a key that is needed", "IDEMPOTENCY_KEY_OPTIONAL", "IDEMPOTENCY_KEY_REQUIRED", 1, /^major stricter .*: idempotency key: required instead of optional$/m],
    ["a secret that is shown", " [debug_redact = true]", "", 1, /^minor weaker +books\.v1\.PutBookRequest\.pin: debug_redact was taken away$/m],
  ];
  it.each(cases)("tells of %s", async (_, from, to, status, line) => {
    const found = await run("diff", before, await contractOf(edited([from, to])));
    expect(found.out).toMatch(line);
    expect(found.status).toBe(status);
  });

  const stream = edited(
    ["IDEMPOTENT", "NO_SIDE_EFFECTS"],
    ["put:", "post:"],
    ["returns (PutBookResponse)", "returns (stream Page)"],
    ["idempotency_key: IDEMPOTENCY_KEY_OPTIONAL", 'resume: {request_field: "book" response_field: "text"}'],
  );
  it.each([
    ["a stream that cannot be resumed any more", 'resume: {request_field: "book" response_field: "text"}', "", 1, /^major .*: resume: a broken stream cannot be resumed any more$/m],
    ["a stream that is resumed otherwise", 'request_field: "book"', 'request_field: "pin"', 1, /^major .*: resume: by "pin" with "text" instead of "book" with "text"$/m],
  ] as const)("tells of %s", async (_, from, to, status, line) => {
    const found = await run("diff", await contractOf(stream), await contractOf(stream.replace(from, to)));
    expect(found.out).toMatch(line);
    expect(found.status).toBe(status);
  });

  it("tells of a stream that can be resumed from now on", async () => {
    const found = await run("diff", await contractOf(stream.replace(/resume: .*/, "")), await contractOf(stream));
    expect(found).toMatchObject({ status: 0, out: expect.stringMatching(/^minor .*: resume: a broken stream can be resumed by "book"$/m) });
  });

  it("says that nothing changed, comments aside", async () => {
    expect(await run("diff", before, await contractOf(`// A comment.\n${contract}`))).toEqual({ status: 0, out: "parapet-generate: no change", err: "" });
  });

  it("speaks JSON, and lets a weaker policy pass where it is meant", async () => {
    const weaker = await contractOf(edited(["RIGHT_WRITE", "RIGHT_READ"]));
    const found = await run("diff", before, weaker, "--json", "--allow-weaker");
    expect(found.status).toBe(0);
    expect(JSON.parse(found.out)).toEqual({
      verdict: "minor",
      changes: [{ bump: "minor", policy: "weaker", element: "books.v1.BooksService/PutBook", message: 'access: read on "book" instead of write on "book"' }],
    });
  });
});

describe("parapet-generate lint", () => {
  it("has nothing to say of a contract that leaves nothing open", async () => {
    expect(await run("lint", "--proto", await contractOf(contract))).toEqual({ status: 0, out: "parapet-generate: 0 problems", err: "" });
  });

  const faults: [rule: string, edits: [string, string][]][] = [
    ["idempotency-missing", [["    option idempotency_level = IDEMPOTENT;\n", ""], ["\n      idempotency_key: IDEMPOTENCY_KEY_OPTIONAL", ""], ["put:", "post:"]]],
    ["retry-unsafe", [["IDEMPOTENT", "IDEMPOTENCY_UNKNOWN"], ["\n      idempotency_key: IDEMPOTENCY_KEY_OPTIONAL", ""]]],
    ["paging-missing", [["rpc PutBook", "rpc ListPages"]]],
    ["policy-missing", [[method, ""]]],
    ["limit-missing", [['limit: {bucket: "api"}', ""]]],
    ["audit-missing", [["level: AUDIT_LEVEL_METADATA", ""]]],
    ["access-missing", [['access: {permission: {right: RIGHT_WRITE, resource_field: "book"}}', ""]]],
    ["secret-exposed", [["pin = 2 [debug_redact = true]", "password = 2"]]],
  ];
  it.each(faults)("finds %s, at its place", async (rule, edits) => {
    const { status, err } = await run("lint", "--proto", await contractOf(edited(...edits)));
    expect(status).toBe(1);
    expect(err).toMatch(new RegExp(`^books\\.proto:\\d+:\\d+: .*\\(${rule}\\)$`, "m"));
  });

  it("takes an answer in place of an idempotency level", async () => {
    const written = edited(["IDEMPOTENT", "IDEMPOTENCY_UNKNOWN"], ["\n      idempotency_key: IDEMPOTENCY_KEY_OPTIONAL", ""], ["put:", "post:"]);
    expect((await run("lint", "--proto", await contractOf(written))).status).toBe(0);
  });

  it("excepts what is named, and says when an exception is not needed any more", async () => {
    const lists = await contractOf(edited(["rpc PutBook", "rpc ListPages"]));
    const exception = "paging-missing:books.v1.BooksService/ListPages";
    expect(await run("lint", "--proto", lists, "--except", exception)).toMatchObject({ status: 0, out: "parapet-generate: 0 problems, 1 excepted" });
    expect(await run("lint", "--proto", await contractOf(contract), "--except", exception)).toMatchObject({ status: 1, err: `--except ${exception}: there is nothing to except` });
  });
});
