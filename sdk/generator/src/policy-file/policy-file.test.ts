// Tests that a policy file says what annotations say, and in which words it is refused.
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { buildModel } from "../build/build-model.js";
import { main } from "../cli.js";
import { compile } from "../compile.js";
import { GeneratorError } from "../errors.js";
import { buildImage, imageBytes, readImage } from "../image.js";
import type { Method, Model } from "../model.js";
import { readPolicyFile } from "./read.js";

const notes = fileURLToPath(new URL("../../templates/notes/proto/notes/v1/notes_service.proto", import.meta.url));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "parapet-policy-file-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function write(path: string, text: string): Promise<string> {
  const file = join(folder, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  return file;
}

/** A contract that says nothing of policy. */
const foreign = `syntax = "proto3";
package acme.v1;
import "google/api/annotations.proto";
// Things.
service Things {
  // Reads.
  rpc GetThing(GetThingRequest) returns (Thing) { option (google.api.http) = {get: "/v1/things/{id}"}; }
  // Lists.
  rpc ListThings(GetThingRequest) returns (Thing);
  // Changes.
  rpc PutHTTPThing(Thing) returns (Thing) { option idempotency_level = IDEMPOTENT; }
}
// Others.
service Others {
  // Reads.
  rpc GetOther(GetThingRequest) returns (Thing);
}
message GetThingRequest { string id = 1; }
message Thing { string id = 1; Owner owner = 2; message Owner { string name = 1; string password = 2; } }
`;

const base = `
buckets:
  - {name: api, algorithm: ALGORITHM_TOKEN_BUCKET, requests: 60, burst: 20, window: 60s}
methods:
  "*":
    access: {authenticated: {}}
    limit: {bucket: api}
    audit: {action: "{service}.{method}", resource: server, level: AUDIT_LEVEL_METADATA}
  "*/Get*":
    idempotencyLevel: NO_SIDE_EFFECTS
`;
const redacted = "fields:\n  acme.v1.Thing.Owner.password: {debugRedact: true}\n";

/** Compiled contracts by their text. */
const compiled = new Map<string, Promise<Uint8Array>>();

function compiledOf(proto: string): Promise<Uint8Array> {
  const bytes = compiled.get(proto) ?? write("proto/acme/v1/things.proto", proto).then(() => compile(join(folder, "proto")));
  compiled.set(proto, bytes);
  return bytes;
}

/** The model of the contract with a policy file. */
async function modelWith(policy: string, proto = foreign): Promise<Model> {
  return buildModel(readImage(await compiledOf(proto), readPolicyFile(policy, "policy.yaml")));
}

function methodsOf(model: Model): Record<string, Method> {
  return Object.fromEntries(model.services.flatMap(({ methods }) => methods).map((method) => [method.name, method]));
}

async function refusalOf(policy: string, proto?: string): Promise<string> {
  const error = await modelWith(policy, proto).then(() => undefined, (thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(GeneratorError);
  return (error as GeneratorError).message;
}

describe("a policy file", () => {
  it("says what annotations say: the same contract comes of it", async () => {
    const annotated = await readFile(notes, "utf8");
    // Without its policy and its bucket the contract is one of those that are not ours.
    const bare = annotated
      .replace(/option \(parapet\.policy\.v1\.file\) = \{[^]*?\n\};\n/, "")
      .replace(/ {4}option \(parapet\.policy\.v1\.method\) = \{[^]*?\n {4}\};\n/g, "")
      .replace('import "parapet/policy/v1/policy.proto";\n', "");
    expect(bare).not.toContain("parapet");
    const policy = `
buckets: [{name: notes, algorithm: ALGORITHM_TOKEN_BUCKET, requests: 60, burst: 20, window: 60s}]
methods:
  "*":
    limit: {bucket: notes}
  notes.v1.NotesService/*Note:
    access: {permission: {right: RIGHT_WRITE, resourceField: book}}
    audit: {level: AUDIT_LEVEL_METADATA}
  "*/Get*": &read
    access: {permission: {right: RIGHT_READ, resource_field: book}}
    audit: {level: AUDIT_LEVEL_NONE}
  "*/List*": *read
  notes.v1.NotesService/GetStatus:
    access: {public: {ignoreBadCredential: true}}
    limit: {exempt: true}
    audit: {action: status.get, resource: status}
  notes.v1.NotesService/ListNotes: {audit: {action: note.list, resource: "books/{book}/notes"}}
  notes.v1.NotesService/GetNote: {audit: {action: note.get, resource: "books/{book}/notes/{id}"}}
  notes.v1.NotesService/CreateNote: {audit: {action: note.create, resource: "books/{book}/notes"}}
  notes.v1.NotesService/UpdateNote: {audit: {action: note.update, resource: "books/{book}/notes/{id}"}}
  notes.v1.NotesService/ClearBook:
    access: {permission: {right: RIGHT_ADMIN, resourceField: book}}
    limit: {bucket: notes, cost: 5}
    audit: {action: book.clear, resource: "books/{book}", level: AUDIT_LEVEL_METADATA}
`;
    await write("ours/notes/v1/notes_service.proto", annotated);
    await write("theirs/notes/v1/notes_service.proto", bare);
    const ours = buildModel(await buildImage(join(folder, "ours")));
    const theirs = buildModel(await buildImage(join(folder, "theirs"), { policy: readPolicyFile(policy, "policy.yaml") }));
    expect({ ...theirs, contractHash: "" }).toEqual({ ...ours, contractHash: "" });
  });

  it("takes what a later pattern says over an earlier one, and a full name over both; the audit member by member", async () => {
    const model = await modelWith(`${base}    audit: {level: AUDIT_LEVEL_NONE}
  acme.v1.Things/GetThing:
    access: {permission: {right: RIGHT_READ, resourceField: id}}
    audit: {resource: "things/{id}"}
  acme.v1.Things/*:
    access: {permission: {right: RIGHT_ADMIN}}
    limit: {bucket: api, cost: 3}
  "*/Put*": {idempotencyLevel: NO_SIDE_EFFECTS}
${redacted}`);
    const { GetThing, ListThings, PutHTTPThing, GetOther } = methodsOf(model);
    expect(GetThing!.policy).toMatchObject({
      access: { kind: "permission", right: "read", resourceField: "id" },
      limit: { bucket: "api", cost: 3 },
      audit: { action: "things.get_thing", resource: "things/{id}", level: "none" },
    });
    expect(ListThings!.policy).toMatchObject({ access: { right: "admin" }, audit: { action: "things.list_things", level: "metadata" } });
    expect(PutHTTPThing!.policy.audit.action).toBe("things.put_http_thing");
    expect(GetOther!.policy).toMatchObject({ access: { kind: "authenticated" }, limit: { cost: 1 }, audit: { action: "others.get_other", level: "none" } });
    // What the proto states, no pattern changes.
    expect([GetThing, ListThings, PutHTTPThing].map((method) => method!.idempotency)).toEqual(["no_side_effects", "unknown", "idempotent"]);
  });

  it("binds, binds anew and unbinds; marks fields", async () => {
    const model = await modelWith(`${base}
  acme.v1.Others/GetOther: {http: {get: "/v1/others/{id}"}}
  acme.v1.Things/GetThing: {http: null}
  acme.v1.Things/PutHTTPThing: {http: {put: "/v1/things/{id}", body: "*", additional_bindings: [{post: /v1/things, body: "*"}]}}
fields:
  acme.v1.Thing.Owner.password: {debug_redact: true}
  acme.v1.Thing.Owner.name: {personal: true}
`);
    const methods = methodsOf(model);
    expect(Object.values(methods).map(({ name, bindings }) => [name, bindings.map(({ verb, template }) => `${verb} ${template}`)])).toEqual([
      ["GetOther", ["GET /v1/others/{id}"]], ["GetThing", []], ["ListThings", []], ["PutHTTPThing", ["PUT /v1/things/{id}", "POST /v1/things"]],
    ]);
    const owner = model.messages.find(({ name }) => name === "Thing.Owner")!;
    expect(owner.fields.map(({ name, redact, personal }) => [name, redact, personal])).toEqual([["name", false, true], ["password", true, false]]);
  });

  const events = "webhooks:\n  thing.changed: {payload: acme.v1.Thing.Owner, description: Its owner is another.}\n  ping: {payload: acme.v1.GetThingRequest}\n";
  it("declares events, which are posted with messages that are not ours", async () => {
    const shown = foreign.replace("string password = 2;", "");
    const { webhooks } = await modelWith(base + events, shown);
    expect(webhooks.map(({ event, payload, docs }) => [event, payload, docs])).toEqual([
      ["ping", "acme.v1.GetThingRequest", ""],
      ["thing.changed", "acme.v1.Thing.Owner", "Its owner is another."],
    ]);
    const image = readImage(await compiledOf(shown), readPolicyFile(base + events, "policy.yaml"));
    expect(buildModel(readImage(imageBytes(image))).webhooks).toEqual(webhooks);
  });

  it("counts as a part of the contract: other policy, other hash", async () => {
    const hashes = await Promise.all([base, base.replace("authenticated", "public"), base.replace("burst: 20", "burst: 21"), `# More words.${base}`].map(async (policy) => (await modelWith(policy + redacted)).contractHash));
    expect(new Set(hashes).size).toBe(3);
    expect(hashes[3]).toBe(hashes[0]);
  });

  it("may be JSON", async () => {
    const model = await modelWith(JSON.stringify({
      methods: { "*": { access: { authenticated: {} }, limit: { exempt: true }, audit: { action: "a", resource: "r", level: "AUDIT_LEVEL_NONE" } }, "*/GetThing": { idempotencyLevel: "NO_SIDE_EFFECTS" } },
      fields: { "acme.v1.Thing.Owner.password": { debugRedact: true } },
    }));
    expect(methodsOf(model)["GetOther"]!.policy.limit).toEqual({ kind: "exempt" });
  });

  it("travels in an image, which buf's tools and this one read", async () => {
    const image = readImage(await compiledOf(foreign), readPolicyFile(base + redacted, "policy.yaml"));
    const again = readImage(imageBytes(image));
    expect(again.ownFiles.map(({ name }) => name)).toEqual(["acme/v1/things"]);
    expect(buildModel(again)).toEqual({ ...buildModel(image), contractHash: again.hash });
  });
});

describe("a policy file fails closed", () => {
  const method = (entry: string) => `${base}  acme.v1.Things/GetThing: ${entry}\n${redacted}`;
  it.each<[what: string, policy: string, ...said: string[]]>([
    ["a method that it leaves out", base.replace('"*"', "acme.v1.Others/*").replace('"*/Get*"', '"*/GetThing"') + redacted, "things.proto:7:3: acme.v1.Things/GetThing has no policy", "acme.v1.Things/ListThings has no policy", "acme.v1.Things/PutHTTPThing has no policy"],
    ["a part of a policy that it leaves out", base.replace(/ {4}limit.*\n/, "") + redacted, "acme.v1.Others/GetOther states neither a bucket nor an exemption (limit-missing)"],
    ["a method that is not there", `${base}  acme.v1.Things/GetThin: {access: {public: {}}}\n`, 'policy.yaml:11:3: no method "acme.v1.Things/GetThin"; acme.v1.Things has GetThing, ListThings, PutHTTPThing (policy-file-unmatched)'],
    ["a service that is not there", `${base}  acme.v1.Thing/*: {access: {public: {}}}\n`, 'no method "acme.v1.Thing/*"; services of this contract: acme.v1.Things, acme.v1.Others'],
    ["what stands before it and would not count", `${base.replace("  \"*\":", "  acme.v1.*: {access: {permission: {right: RIGHT_ADMIN}}}\n  \"*\":")}${redacted}`, 'policy.yaml:5:3: access of "acme.v1.*" counts nowhere: for every method that it names an entry behind it, or a full name, says it again'],
    ["a name without its package", `${base}  v1.Things/GetThing: {access: {public: {}}}\n`, 'no method "v1.Things/GetThing"'],
    ["a field that is not there", `${base}fields: {acme.v1.Thing.pass: {debugRedact: true}}\n`, 'policy.yaml:11:10: no field "acme.v1.Thing.pass" in the files that are the contract'],
    ["a member of the file that nobody knows", `method: {}\n${base}`, 'policy.yaml:1:1: unknown member "method" of a policy file; known: buckets, methods, fields, webhooks'],
    ["a member of an entry that nobody knows", method("{acces: {public: {}}}"), 'policy.yaml:11:29: unknown member "acces" of acme.v1.Things/GetThing; known: access, limit, audit, idempotencyKey, idempotencyLevel, http'],
    ["a member of a field that nobody knows", `${base}fields: {acme.v1.Thing.id: {secret: true}}\n`, 'unknown member "secret" of acme.v1.Thing.id; known: debugRedact, personal'],
    ["a member of a message that nobody knows", method("{access: {permission: {right: RIGHT_READ, resource: id}}}"), "policy.yaml:11:29: access: ", '"resource" is unknown'],
    ["a value that nobody knows", method("{access: {permission: {right: RIGHT_REED}}}"), "access: ", '"RIGHT_REED"'],
    ["access without a rule", method("{access: {}}"), "access states no rule; write public: {}, authenticated: {} or permission: {…}"],
    ["a rule without a value", method("{access: {public: }}"), "access states no rule"],
    ["access that is a word", method("{access: public}"), "access is a mapping: parapet.policy.v1.Access as protobuf-JSON"],
    ["an idempotency level that nobody knows", method("{idempotencyLevel: SAFE}"), "idempotencyLevel is one of IDEMPOTENCY_UNKNOWN, NO_SIDE_EFFECTS, IDEMPOTENT"],
    ["an idempotency key that nobody knows", method("{idempotencyKey: ALWAYS}"), "idempotencyKey: "],
    ["a verb that nobody knows", method("{http: {fetch: /v1/things}}"), "http: ", '"fetch" is unknown'],
    ["a path for a pattern", `${base}    http: {get: /v1/things}\n`, "policy.yaml:11:5: http is said of one method, never of a pattern"],
    ["a name that is none", `${base}  Things: {access: {public: {}}}\n`, '"Things" is no package.Service/Method, in which * may stand for any run of characters'],
    ["a bucket that nobody declares", base.replace("bucket: api", "bucket: other") + redacted, 'spends bucket "other", which no file declares; declared: "api"'],
    ["buckets that are no list", base.replace(/buckets:\n.*\n/, "buckets: {name: api}\n"), "policy.yaml:2:1: buckets is a list"],
    ["a bucket with a member too many", base.replace("burst: 20", "bursts: 20"), "bucket: ", '"bursts" is unknown'],
    ["the same name twice", `${base}  "*": {access: {public: {}}}\n`, "policy.yaml:11:3: Map keys must be unique"],
    ["an event whose message is not there", `${base}webhooks: {ping: {payload: acme.v1.Pong}}\n`, 'policy.yaml:11:12: no message "acme.v1.Pong" in the files that are the contract; write package.Message (policy-file-unmatched)'],
    ["an event without a message", `${base}webhooks: {ping: {}}\n`, 'policy.yaml:11:12: the event "ping" names no payload: write package.Message (policy-file-invalid)'],
    ["a member of an event that nobody knows", `${base}webhooks: {ping: {message: acme.v1.Thing}}\n`, 'unknown member "message" of ping; known: payload, description'],
    ["an event that would post a secret", `${base}${redacted}webhooks: {thing.changed: {payload: acme.v1.Thing}}\n`, 'the event "thing.changed" would post the secret acme.v1.Thing.owner.password: leave the field out of what is posted (webhook-secret)'],
    ["an event whose name is none", `${base}${redacted}webhooks: {thing/changed: {payload: acme.v1.GetThingRequest}}\n`, 'posts the event "thing/changed", whose name is not'],
    ["what is no YAML", "methods: {", "policy.yaml:1:"],
    ["what is no mapping", "- methods\n", "policy.yaml:1:1: a policy file is a mapping"],
    ["an empty file", "", "a policy file is a mapping"],
  ])("%s", async (_what, policy, ...said) => {
    const message = await refusalOf(policy);
    for (const text of said) expect(message).toContain(text);
  });

  it("over what a proto says itself, which a pattern leaves alone", async () => {
    const annotated = foreign
      .replace("import ", 'import "parapet/policy/v1/policy.proto";\nimport ')
      .replace("rpc GetOther(GetThingRequest) returns (Thing);", `rpc GetOther(GetThingRequest) returns (Thing) {
        option idempotency_level = NO_SIDE_EFFECTS;
        option (parapet.policy.v1.method) = {access: {public: {}} limit: {exempt: true} audit: {action: "other.get" resource: "others" level: AUDIT_LEVEL_NONE}};
      }`);
    const { GetOther, GetThing } = methodsOf(await modelWith(base + redacted, annotated));
    expect([GetOther!.policy.access.kind, GetThing!.policy.access.kind]).toEqual(["public", "authenticated"]);
    const refusal = await refusalOf(`${base}  acme.v1.Others/GetOther: {access: {authenticated: {}}, idempotencyLevel: IDEMPOTENT}\n`, annotated);
    expect(refusal).toContain("policy.yaml:11:3: acme.v1.Others/GetOther has a policy in its proto, which this would replace (policy-file-conflict)");
    expect(refusal).toContain("acme.v1.Others/GetOther is declared NO_SIDE_EFFECTS in its proto, which this would replace");
    expect(methodsOf(await modelWith(`${base}  acme.v1.Others/GetOther: {http: {get: /v1/other}}\n${redacted}`, annotated))["GetOther"]!.bindings).toHaveLength(1);
  });

  it("over an event that a proto declares itself; a further one of the same message is no conflict", async () => {
    const annotated = foreign
      .replace("import ", 'import "parapet/policy/v1/policy.proto";\nimport ')
      .replace("message GetThingRequest {", 'message GetThingRequest { option (parapet.policy.v1.message) = {webhooks: [{event: "ping"}]};');
    const further = `${base}${redacted}webhooks: {pong: {payload: acme.v1.GetThingRequest}}\n`;
    expect((await modelWith(further, annotated)).webhooks.map(({ event }) => event)).toEqual(["ping", "pong"]);
    expect(await refusalOf(further.replace("pong", "ping"), annotated)).toContain('policy.yaml:13:12: the event "ping" is declared in a proto, which this would repeat (policy-file-conflict)');
  });
});

describe("parapet-generate --policy", () => {
  async function run(...args: string[]): Promise<{ status: number; out: string; err: string }> {
    const lines = { out: [] as string[], err: [] as string[] };
    const status = await main(args, { out: (line) => lines.out.push(line), err: (line) => lines.err.push(line) });
    return { status, out: lines.out.join("\n"), err: lines.err.join("\n") };
  }

  it("works for generate, check, lint and image, with --path to leave the rest out", async () => {
    await write("proto/acme/v1/things.proto", foreign);
    await write("proto/acme/other/other.proto", 'syntax = "proto3"; package acme.other; message A {} service S { rpc R(A) returns (A); }');
    const policy = await write("policy.yaml", base + redacted);
    const proto = ["--proto", join(folder, "proto"), "--path", "acme/v1", "--policy", policy];
    const out = ["--out", join(folder, "out"), "--target", "conformance"];
    expect(await run(...proto, ...out)).toMatchObject({ status: 0, err: "" });
    expect(await readFile(join(folder, "out/conformance/cases.ts"), "utf8")).not.toContain("acme.other");
    expect(await run("check", ...proto, ...out)).toMatchObject({ status: 0, err: "" });
    await write("policy.yaml", base.replace("authenticated", "public") + redacted);
    expect(await run("check", ...proto, ...out)).toMatchObject({ status: 1, err: expect.stringContaining("changed: conformance/cases.ts") as string });
    expect((await run("lint", ...proto)).err).not.toContain("(policy-missing)");
    expect((await run("lint", ...proto.slice(0, 4))).err).toContain("(policy-missing)");
    const image = join(folder, "made/contract.binpb");
    expect(await run("image", ...proto, "--out", image)).toMatchObject({ status: 0, err: "" });
    expect(await run("diff", image, image)).toMatchObject({ status: 0, out: "parapet-generate: no change" });
  });

  it("says that there is no such file, and what else is wrong, all at once", async () => {
    await write("proto/acme/v1/things.proto", foreign);
    const proto = ["--proto", join(folder, "proto"), "--out", join(folder, "out")];
    expect(await run(...proto, "--policy", join(folder, "no.yaml"))).toMatchObject({ status: 1, err: expect.stringContaining("no.yaml: there is no such file") as string });
    const policy = await write("policy.yaml", "methods:\n  a.B/C: {access: 1}\n  a.B/D: {limit: 1}\n");
    expect((await run(...proto, "--policy", policy)).err).toMatch(/policy\.yaml:2:11: .*\npolicy\.yaml:3:11: .*\nparapet-generate: 2 problems$/);
  });
});
