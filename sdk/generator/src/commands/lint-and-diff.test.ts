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
message BookPut {
  option (parapet.policy.v1.message) = {webhooks: [{event: "book.put"}]};
  string book = 1;
}
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

  // A contract with something of everything, and changes of it; what is said is the whole of it.
  const wide = `syntax = "proto3";
package shop.v1;
import "buf/validate/validate.proto";
import "google/api/annotations.proto";
import "parapet/policy/v1/policy.proto";
option (parapet.policy.v1.file) = {buckets: [
  {name: "api", algorithm: ALGORITHM_TOKEN_BUCKET, requests: 60, burst: 20, window: {seconds: 60}},
  {name: "slow", algorithm: ALGORITHM_STRICT_WINDOW, requests: 5, window: {seconds: 60}}
]};
service ShopService {
  rpc PutItem(PutItemRequest) returns (PutItemResponse) {
    option idempotency_level = IDEMPOTENT;
    option (google.api.http) = {put: "/v1/items/{item}" body: "*" additional_bindings {post: "/v1/items/{item}:put" body: "page"}};
    option (parapet.policy.v1.method) = {
      access: {permission: {right: RIGHT_WRITE, resource_field: "item"}}
      limit: {bucket: "api" cost: 2}
      audit: {action: "item.put", resource: "items/{item}", level: AUDIT_LEVEL_METADATA}
      idempotency_key: IDEMPOTENCY_KEY_OPTIONAL
    };
  }
  rpc Look(LookRequest) returns (PutItemResponse) {
    option idempotency_level = NO_SIDE_EFFECTS;
    option (parapet.policy.v1.method) = {access: {public: {}} limit: {bucket: "slow"} audit: {action: "item.look", resource: "items", level: AUDIT_LEVEL_NONE}};
  }
}
message LookRequest { string item = 1; }
message PutItemRequest {
  string item = 1;
  string who = 2 [(parapet.policy.v1.field).personal = true];
  Page page = 3;
  string old = 4;
  string title = 5 [(buf.validate.field).string = {max_len: 50, min_len: 0}];
  repeated string tags = 6 [(buf.validate.field).repeated = {max_items: 5, items: {string: {max_len: 20}}}];
  State state = 7;
  oneof pick { string left = 8; string right = 9; }
}
message Page { string text = 1; }
// An item was sold.
message Sold {
  option (parapet.policy.v1.message) = {webhooks: [{event: "item.sold"}, {event: "item.lent" description: "One was lent."}]};
  string item = 1;
}
message PutItemResponse { repeated Page pages = 1; string note = 2 [(buf.validate.field).string.max_len = 9]; }
enum State { STATE_UNSPECIFIED = 0; STATE_NEW = 1; STATE_SOLD = 2; }
`;
  const put = "shop.v1.ShopService/PutItem";
  const look = "shop.v1.ShopService/Look";
  const request = "shop.v1.PutItemRequest";
  const verdicts: [what: string, from: string, to: string, said: readonly string[]][] = [
    ["a field that is gone", " string old = 4;", "", [`major same ${request}.old: was removed`]],
    ["a field that is new", "string old = 4;", "string old = 4; string more = 20;", [`minor same ${request}.more: was added`]],
    ["a new field that must be set", "string old = 4;", "string old = 4; string more = 20 [(buf.validate.field).required = true];", [`major same ${request}.more: was added and must be set`]],
    ["another type", "string old = 4;", "int32 old = 4;", [`major same ${request}.old: is int32 instead of string`]],
    ["a list instead of one", "string old = 4;", "repeated string old = 4;", [`major same ${request}.old: is repeated string instead of string`]],
    ["another name", "string old = 4;", "string older = 4;", [`major same ${request}.old: is called older`]],
    ["another name in JSON", "string old = 4;", 'string old = 4 [json_name = "elder"];', [`major same ${request}.old: is "elder" in JSON instead of "old"`]],
    ["a field that moves into a oneof", "  string old = 4;", "  oneof one { string old = 4; }", [`major same ${request}.old: is in the oneof one`]],
    ["a field that leaves its oneof", "oneof pick { string left = 8; string right = 9; }", "string left = 8; oneof pick { string right = 9; }", [`major same ${request}.left: left the oneof pick`]],
    ["a oneof that must be set", "oneof pick {", "oneof pick { option (buf.validate.oneof).required = true;", [`major same ${request}.pick: must be set now`]],
    ["a field that must be set", "string old = 4;", "string old = 4 [(buf.validate.field).required = true];", [`major same ${request}.old: must be set now`]],
    ["a tighter rule", "max_len: 50", "max_len: 40", [`major same ${request}.title: rule maxLen is 40 instead of 50`]],
    ["a wider rule", "max_len: 50", "max_len: 60", [`minor same ${request}.title: rule maxLen is 60 instead of 50`]],
    ["a rule more", "max_len: 50", 'max_len: 50, pattern: "^[a-z]*$"', [`major same ${request}.title: rule pattern "^[a-z]*$" was added`]],
    ["a rule less", "max_items: 5,", "", [`minor same ${request}.tags: rule maxItems 5 was taken away`]],
    ["a tighter rule of items", "{max_len: 20}", "{max_len: 10}", [`major same ${request}.tags: rule of items maxLen is 10 instead of 20`]],
    ["rules of answers alone", "max_len = 9", "max_len = 8", []],
    ["an enum value that is gone", " STATE_SOLD = 2;", "", ["major same shop.v1.State.STATE_SOLD: was removed"]],
    ["an enum value that is new", "STATE_SOLD = 2;", "STATE_SOLD = 2; STATE_LOST = 3;", ["minor same shop.v1.State.STATE_LOST: was added"]],
    ["a stream instead of one answer", "rpc Look(LookRequest) returns (", "rpc Look(LookRequest) returns (stream ", [`major same ${look}: is server_streaming instead of unary`]],
    ["another request", "rpc Look(LookRequest)", "rpc Look(Page)", [`major same ${look}: takes shop.v1.Page instead of shop.v1.LookRequest`]],
    ["another answer", "rpc Look(LookRequest) returns (PutItemResponse)", "rpc Look(LookRequest) returns (Page)", [`major same ${look}: answers with shop.v1.Page instead of shop.v1.PutItemResponse`]],
    ["another name of an RPC", "rpc Look", "rpc See", [`major same ${look}: was removed`, "minor same shop.v1.ShopService/See: was added"]],
    ["another response body", 'put" body: "page"', 'put" body: "page" response_body: "pages"', [`major same ${put}: POST /v1/items/{item}:put answers with "pages" instead of the whole message`]],
    ["a further binding that is gone", ' additional_bindings {post: "/v1/items/{item}:put" body: "page"}', "", [`major same ${put}: POST /v1/items/{item}:put is gone`]],
    ["the same path, written otherwise", '"/v1/items/{item}" body', '"/v1/items/{item=*}" body', []],
    ["a path into another field", '"/v1/items/{item}" body', '"/v1/items/{old}" body', [`major same ${put}: PUT /v1/items/{item} puts its path into old instead of item`]],
    ["a wider path", '"/v1/items/{item}" body', '"/v1/items/{item=**}" body', [`major same ${put}: PUT /v1/items/{item} is gone`, `minor same ${put}: PUT /v1/items/{item=**} was added`]],
    ["a credential that is needed", "public: {}", "authenticated: {}", [`major stricter ${look}: access: authenticated instead of public`]],
    ["a bad credential that is ignored", "public: {}", "public: {ignore_bad_credential: true}", [`minor weaker ${look}: access: a bad credential is ignored now`]],
    ["a right that is not needed", 'permission: {right: RIGHT_WRITE, resource_field: "item"}', "authenticated: {}", [`minor weaker ${put}: access: authenticated instead of write on "item"`]],
    ["a right on the server", ', resource_field: "item"', "", [`major stricter ${put}: access: write on the server instead of write on "item"`]],
    ["a right on something else", 'resource_field: "item"', 'resource_field: "old"', [`major weaker ${put}: access: write on "old" instead of write on "item"`]],
    ["another bucket", 'bucket: "api" cost', 'bucket: "slow" cost', [`minor weaker ${put}: limit: bucket "slow" instead of "api"`]],
    ["a lower cost", "cost: 2", "cost: 1", [`minor weaker ${put}: limit: costs 1 instead of 2`]],
    ["a smaller burst", "burst: 20", "burst: 10", ["minor stricter bucket api: 60 + 10 in 60000 ms instead of 60 + 20 in 60000 ms"]],
    ["a longer window", "burst: 20, window: {seconds: 60}", "burst: 20, window: {seconds: 90}", ["minor stricter bucket api: 60 + 20 in 90000 ms instead of 60 + 20 in 60000 ms"]],
    ["another algorithm", "ALGORITHM_STRICT_WINDOW", "ALGORITHM_TOKEN_BUCKET", ["minor weaker bucket slow: token_bucket instead of strict_window"]],
    ["accounts that are counted", 'bucket: "slow"}', 'bucket: "slow" account_field: "item"}', [`minor stricter ${look}: limit: accounts are named by "item" instead of nothing`]],
    ["another action", '"item.put"', '"item.set"', [`minor same ${put}: audit: action "item.set" instead of "item.put"`]],
    ["another resource", '"items/{item}"', '"item/{item}"', [`minor same ${put}: audit: resource "item/{item}" instead of "items/{item}"`]],
    ["the key of a document", "level: AUDIT_LEVEL_METADATA", 'level: AUDIT_LEVEL_METADATA key_field: "old"', [`minor same ${put}: audit: the key is in "old" instead of nothing`]],
    ["side effects", "NO_SIDE_EFFECTS", "IDEMPOTENT", [`major same ${look}: idempotency_level: idempotent instead of no_side_effects`]],
    ["a key that is ignored", "      idempotency_key: IDEMPOTENCY_KEY_OPTIONAL\n", "", [`major weaker ${put}: idempotency key: ignored instead of optional`]],
    ["an event that is gone", '{event: "item.sold"}, ', "", ["major same webhook item.sold: was removed"]],
    ["an event that is new", '{event: "item.sold"}', '{event: "item.sold"}, {event: "item.lost"}', ["minor same webhook item.lost: was added"]],
    ["another name of an event", '"item.sold"', '"item.taken"', ["major same webhook item.sold: was removed", "minor same webhook item.taken: was added"]],
    ["another message of an event", "message Sold {\n  option", "message Lost {\n  option", ["major same webhook item.lent: posts shop.v1.Lost instead of shop.v1.Sold", "major same webhook item.sold: posts shop.v1.Lost instead of shop.v1.Sold"]],
    ["a field of an event that is gone", "  string item = 1;\n}\nmessage PutItemResponse", "}\nmessage PutItemResponse", ["major same shop.v1.Sold.item: was removed"]],
    ["a field of an event that is new", "  string item = 1;\n}\nmessage PutItemResponse", "  string item = 1;\n  string more = 2;\n}\nmessage PutItemResponse", ["minor same shop.v1.Sold.more: was added"]],
    ["other words about an event", '"One was lent."', '"An item was lent."', []],
    ["a person that is named", " [(parapet.policy.v1.field).personal = true]", "", [`minor weaker ${request}.who: personal was taken away`]],
    ["a secret that is hidden", "string old = 4;", "string old = 4 [debug_redact = true];", [`patch stricter ${request}.old: debug_redact was set`]],
  ];
  let image: string;
  beforeAll(async () => {
    image = join(folder, "wide.binpb");
    expect(await run("image", "--proto", await contractOf(wide), "--out", image)).toMatchObject({ status: 0 });
  });
  it.each(verdicts)("gives the verdict on %s", async (_, from, to, said) => {
    expect(wide).toContain(from);
    const found = await run("diff", image, await contractOf(wide.replace(from, to)), "--json");
    const { verdict, changes } = JSON.parse(found.out) as { verdict: string; changes: { bump: string; policy: string; element: string; message: string }[] };
    expect(changes.map(({ bump, policy, element, message }) => `${bump} ${policy} ${element}: ${message}`)).toEqual(said);
    const worst = ["major", "minor", "patch"].find((bump) => said.some((line) => line.startsWith(bump))) ?? "patch";
    expect([verdict, found.status]).toEqual([worst, worst === "major" || said.some((line) => line.includes(" weaker ")) ? 1 : 0]);
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

describe("names that are made of a contract", () => {
  const book = (packageName: string, service = "BooksService", more = "") => `syntax = "proto3";
package ${packageName};
import "google/api/annotations.proto";
import "parapet/policy/v1/policy.proto";
service ${service} {
  rpc PutBook(PutBookRequest) returns (PutBookResponse) {
    option idempotency_level = IDEMPOTENT;
    option (google.api.http) = {put: "/${packageName}/books/{book}" body: "*"};
    option (parapet.policy.v1.method) = {
      access: {authenticated: {}}
      limit: {bucket: "api"}
      audit: {action: "book.put", resource: "books/{book}", level: AUDIT_LEVEL_METADATA}
    };
  }
}
message PutBookRequest { string book = 1; }
message PutBookResponse {}
${more}`;
  const buckets = `syntax = "proto3";
package library;
import "parapet/policy/v1/policy.proto";
option (parapet.policy.v1.file) = {buckets: [{name: "api", algorithm: ALGORITHM_TOKEN_BUCKET, requests: 60, burst: 20, window: {seconds: 60}}]};
`;
  /** Images by what they are made of: compiling is the slow part. */
  const images = new Map<string, Promise<string>>();
  const imageOf = async (files: readonly string[]): Promise<string> => {
    const path = join(folder, String(made++));
    await mkdir(path);
    for (const [index, text] of files.entries()) await writeFile(join(path, `${index}.proto`), text);
    expect(await run("image", "--proto", path, "--out", `${path}.binpb`)).toMatchObject({ status: 0 });
    return `${path}.binpb`;
  };
  const library = (...files: readonly string[]): Promise<string> => {
    const image = images.get(files.join()) ?? imageOf([buckets, ...files]);
    images.set(files.join(), image);
    return image;
  };
  const renamed = async (old: string, now: string): Promise<string[]> => {
    const { out } = await run("diff", old, now, "--json");
    return (JSON.parse(out) as { changes: { bump: string; element: string; message: string }[] }).changes.filter(({ message }) => message.includes(" instead of ")).map(({ bump, element, message }) => `${bump} ${element}: ${message}`);
  };
  const home = book("library.books.v1");

  it.each([
    ["a later package", "library.shelves.v1"],
    ["an earlier package, of another thing", "library.attic.v1"],
    ["a deeper package", "library.a.books.v1"],
    ["a newer version", "library.books.v2"],
  ])("stay when a second service of the same name is added in %s", async (_, packageName) => {
    const now = await library(home, book(packageName));
    expect(await renamed(await library(home), now)).toEqual([]);
    // And when what has been added first is the one that lacks the name.
    expect(await renamed(await library(book(packageName)), now)).toContain(`major ${packageName}.BooksService: its tag in OpenAPI is ${packageName}.BooksService instead of BooksService`);
  });

  it("that do change are a breaking change, each of them", async () => {
    const found = await renamed(await library(home), await library(book("library.books.v1", "BooksService", "message Books {}")));
    expect(found).toEqual([
      "major library.books.v1.BooksService: its class is Bookses instead of Books",
      "major library.books.v1.BooksService: its property of the client is bookses instead of books",
      "major library.books.v1.BooksService/PutBook: its function is booksesPutBook instead of booksPutBook",
      "major library.books.v1.BooksService/PutBook: its command is bookses put-book instead of books put-book",
    ]);
  });

  it("of operations, types and schemas count as well", async () => {
    const attic = book("library.attic.v1");
    const found = await renamed(await library(attic), await library(attic, home));
    expect(found).toEqual([
      "major library.attic.v1.BooksService: its class is AtticBooks instead of Books",
      "major library.attic.v1.BooksService: its property of the client is atticBooks instead of books",
      "major library.attic.v1.BooksService: its tag in OpenAPI is library.attic.v1.BooksService instead of BooksService",
      "major library.attic.v1.BooksService/PutBook: its function is atticBooksPutBook instead of booksPutBook",
      "major library.attic.v1.BooksService/PutBook: its command is attic-books put-book instead of books put-book",
      "major library.attic.v1.BooksService/PutBook: operationId of PUT /library.attic.v1/books/{*} is BooksService_PutBook_library_attic_v1 instead of BooksService_PutBook",
      "major library.attic.v1.PutBookRequest: its type is AtticPutBookRequest instead of PutBookRequest",
      "major library.attic.v1.PutBookRequest: its schema in OpenAPI is library.attic.v1.PutBookRequest instead of PutBookRequest",
      "major library.attic.v1.PutBookResponse: its type is AtticPutBookResponse instead of PutBookResponse",
      "major library.attic.v1.PutBookResponse: its schema in OpenAPI is library.attic.v1.PutBookResponse instead of PutBookResponse",
    ]);
  });

  describe("of a message that requests and responses hold", () => {
    /** What of a note is in requests, and in responses. */
    const notes = (asked: boolean, answered: boolean): Promise<string> =>
      library(
        book("library.books.v1", "BooksService", "message Note { string text = 1; }").replace("PutBookRequest { string book = 1; }", `PutBookRequest { string book = 1; ${asked ? "Note note = 2; " : ""}}`).replace("PutBookResponse {}", `PutBookResponse { ${answered ? "Note note = 1; " : ""}}`),
      );
    const typeOrSchema = (change: { message: string }): boolean => change.message.includes("its type") || change.message.includes("its schema");
    const said = async (old: string, now: string): Promise<string[]> => {
      const { out } = await run("diff", old, now, "--json");
      return (JSON.parse(out) as { changes: { bump: string; element: string; message: string }[] }).changes.filter(typeOrSchema).map(({ bump, element, message }) => `${bump} ${element}: ${message}`);
    };

    it.each([
      ["is in responses as well", [true, false], [true, true], ["major its type in requests is NoteInput instead of Note", "major its schema of requests in OpenAPI is NoteInput instead of Note"]],
      ["is in requests as well", [false, true], [true, true], ["minor its type in requests, NoteInput, was added", "minor its schema of requests in OpenAPI, NoteInput, was added"]],
      ["is in no response any more", [true, true], [true, false], ["major its type in requests is Note instead of NoteInput", "major its schema of requests in OpenAPI is Note instead of NoteInput"]],
      ["is in no request any more", [true, true], [false, true], ["major its type in requests, NoteInput, was removed", "major its schema of requests in OpenAPI, NoteInput, was removed"]],
      ["stays in both", [true, true], [true, true], []],
      ["goes from requests to responses", [true, false], [false, true], []],
    ] as [string, [boolean, boolean], [boolean, boolean], string[]][])("change where it %s", async (_, old, now, expected) => {
      expect(await said(await notes(...old), await notes(...now))).toEqual(expected.map((line) => line.replace(" ", " library.books.v1.Note: ")));
    });
  });

  it("of events count as well", async () => {
    const lent = (more: string) => `message BookLent { option (parapet.policy.v1.message) = {webhooks: [{event: "book.lent"}]}; string book = 1; ${more}}\n`;
    const old = await library(book("library.books.v1", "BooksService", lent("")));
    const others = "BookLentEvent event = 2; WebhookEvent other = 3; } message BookLentEvent {} message WebhookEvent {";
    const found = await renamed(old, await library(book("library.books.v1", "BooksService", lent(others)), book("library.webhooks.v1", "Webhooks"), book("library.webhook.v1", "Webhook")));
    expect(found).toEqual([
      "major webhook book.lent: its type is BookLentWebhook instead of BookLentEvent",
      "major webhook book.lent: its operationId is WebhookEvent_BookLent instead of Webhook_BookLent",
      "major webhooks: the type of all is AnyWebhookEvent instead of WebhookEvent",
      "major webhooks: their tag in OpenAPI is Webhook events instead of Webhooks",
    ]);
  });

  it("of the client itself count as well", async () => {
    const found = await renamed(await library(home), await library(home, book("archive.v1", "ArchiveService")));
    expect(found.filter((line) => line.includes(" client: "))).toEqual(["major client: its class is Api instead of Library", "major client: its command is archive instead of library"]);
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
    ["json-name-taken", [["string text = 1", "string has_own_property = 1"]]],
    ["json-name-taken", [["string text = 1", "string constructor = 1"]]],
    ["json-name-taken", [["string text = 1", "string value_of = 1"]]],
    ["json-name-taken", [["string text = 1", 'string text = 1 [json_name = "$ref"]']]],
    ["json-name-taken", [["  string book = 1;\n}\nmessage PutBookResponse", '  string book = 1 [json_name = "$ref"];\n}\nmessage PutBookResponse']]],
    ["webhook-invalid", [['"book.put"}]', '"book put"}]']]],
    ["webhook-twice", [['{event: "book.put"}', '{event: "book.put"}, {event: "book_put"}']]],
    ["webhook-secret", [["  string book = 1;\n}\nmessage PutBookResponse", "  PutBookRequest asked = 1;\n}\nmessage PutBookResponse"]]],
    ["webhook-name", [['"book.put"}]', '"bookPut"}]']]],
    ["webhook-name", [['"book.put"}]', '"put"}]']]],
  ];
  it.each(faults)("finds %s, at its place", async (rule, edits) => {
    const { status, err } = await run("lint", "--proto", await contractOf(edited(...edits)));
    expect(status).toBe(1);
    expect(err).toMatch(new RegExp(`^books\\.proto:\\d+:\\d+: .*\\(${rule}\\)$`, "m"));
  });

  const secrets = ["string newPassword", "string pwd", "bytes signing_key", "string aws_secret_access_key", "repeated string api_keys", "map<string, string> secrets", "string session_token", "string auth_token", "string webhook_secret"];
  const harmless = ["string secret_id", "string page_token", "string public_key", "string password_policy", "bool has_password", "int32 max_output_tokens", "string token_type", "string idempotency_key", "string secretary", "string partition_key", "repeated Page secrets"];
  it("tells secrets by their names, and has no false alarm", async () => {
    const fields = [...secrets, ...harmless].map((field, at) => `  ${field} = ${at + 10};\n`).join("");
    // One of them is in a message of its own, since a name is used once in a message.
    const text = edited(["  string pin = 2", `${fields.replace(/ {2}repeated Page secrets.*\n/, "")}  string pin = 2`], ["message Page {", "message Pages { repeated Page secrets = 1; }\nmessage Page {"]);
    const { err } = await run("lint", "--proto", await contractOf(text));
    const found = [...err.matchAll(/\.(\w+) looks like a secret/g)].map(([, name]) => name);
    expect(found).toEqual(secrets.map((field) => field.split(" ").at(-1)));
  });

  it("takes an answer in place of an idempotency level", async () => {
    const written = edited(["IDEMPOTENT", "IDEMPOTENCY_UNKNOWN"], ["\n      idempotency_key: IDEMPOTENCY_KEY_OPTIONAL", ""], ["put:", "post:"]);
    expect((await run("lint", "--proto", await contractOf(written))).status).toBe(0);
  });

  it("excepts an event that is named otherwise on purpose", async () => {
    const named = await contractOf(edited(['"book.put"}]', '"bookPut"}]']));
    expect(await run("lint", "--proto", named, "--except", "webhook-name:bookPut")).toMatchObject({ status: 0, out: "parapet-generate: 0 problems, 1 excepted" });
  });

  it("excepts what is named, and says when an exception is not needed any more", async () => {
    const lists = await contractOf(edited(["rpc PutBook", "rpc ListPages"]));
    const exception = "paging-missing:books.v1.BooksService/ListPages";
    expect(await run("lint", "--proto", lists, "--except", exception)).toMatchObject({ status: 0, out: "parapet-generate: 0 problems, 1 excepted" });
    expect(await run("lint", "--proto", await contractOf(contract), "--except", exception)).toMatchObject({ status: 1, err: `--except ${exception}: there is nothing to except` });
  });
});
