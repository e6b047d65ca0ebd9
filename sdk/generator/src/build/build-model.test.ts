// Tests what the model says of a contract, and in which words a contract is refused.
import { describe, expect, it } from "vitest";
import { GeneratorError } from "../errors.js";
import { imageOf, imageOfFile, imageOfTexts, modelOf, modelOfFile, protoHead, rpcOf } from "../testing/contracts.js";
import { buildModel } from "./build-model.js";

describe("a model", () => {
  it.each(["rules", "routes", "shapes", "names", "legacy", "webhooks"])("says of %s.proto what its golden says", async (file) => {
    const model = await modelOfFile("awkward", `${file}.proto`);
    await expect(`${JSON.stringify(model, null, 1)}\n`).toMatchFileSnapshot(`golden/${file}.model.json`);
  });

  it("is plain JSON", async () => {
    const model = await modelOf("parapet");
    expect(JSON.parse(JSON.stringify(model))).toEqual(model);
  });

  it("does not depend on the order of files", async () => {
    const image = await imageOf("parapet");
    const turned = { ...image, ownFiles: [...image.ownFiles].reverse() };
    expect(JSON.stringify(buildModel(turned))).toBe(JSON.stringify(buildModel(image)));
  });

  it("knows the permission on the server apart from one on a collection", async () => {
    const methods = (await modelOf("parapet")).services.flatMap((service) => service.methods);
    const accessOf = (name: string) => methods.find((method) => method.name === name)?.policy.access;
    expect(accessOf("Add")).toEqual({ kind: "permission", right: "write", resourceField: "collection", server: false });
    expect(accessOf("GetStats")).toEqual({ kind: "permission", right: "admin", resourceField: "collection", server: true });
    expect(accessOf("ListUsers")).toEqual({ kind: "permission", right: "admin", resourceField: "", server: true });
  });

  it("takes a permission for one on the server too unless a rule lets no request name nothing", async () => {
    const fields: readonly (readonly [field: string, server: boolean, path?: string])[] = [
      ["string a = 1;", true],
      ["string a = 1 [(buf.validate.field).required = true];", false],
      ["string a = 1 [(buf.validate.field).string.min_len = 1];", false],
      ["string a = 1 [(buf.validate.field).string.min_bytes = 1];", false],
      ['string a = 1 [(buf.validate.field).string.pattern = "^[a-z]+$"];', false],
      ['string a = 1 [(buf.validate.field).string.pattern = "^[a-z]*$"];', true],
      ["string a = 1 [(buf.validate.field).string.uuid = true];", false],
      ['string a = 1 [(buf.validate.field).string.prefix = "books/"];', false],
      ["string a = 1 [(buf.validate.field).string.min_len = 1, (buf.validate.field).ignore = IGNORE_IF_ZERO_VALUE];", true],
      ["optional string a = 1 [(buf.validate.field).string.min_len = 1];", true],
      ["optional string a = 1 [(buf.validate.field).required = true];", true],
      ["optional string a = 1 [(buf.validate.field).required = true, (buf.validate.field).string.min_len = 1];", false],
      ["Named a = 1;", true, "a.name"],
      ["Named a = 1 [(buf.validate.field).required = true];", false, "a.name"],
    ];
    const rpcs = fields.map(([, , path = "a"], at) => rpcOf(`Get${at}(R${at}) returns (Done)`, `get: "/v1/${at}"`).replace("public: {}", `permission: {right: RIGHT_READ resource_field: "${path}"}`));
    const messages = fields.map(([field], at) => `message R${at} { ${field} }\n`);
    const text = `${protoHead("access.v1", "buf/validate/validate.proto")}service AccessService {\n${rpcs.join("")}}
${messages.join("")}message Named { string name = 1 [(buf.validate.field).string.min_len = 1]; }
message Done {}
`;
    const [service] = buildModel(await imageOfTexts({ "access.proto": text })).services;
    expect(service!.methods.map(({ policy: { access } }, at) => [fields[at]![0], access.kind === "permission" && access.server])).toEqual(fields.map(([field, server]) => [field, server]));
  });

  it("tells the reasons a comment names from those that the policy implies", async () => {
    const methods = (await modelOf("parapet")).services.flatMap((service) => service.methods);
    const login = methods.find((method) => method.name === "Login")!;
    const from = Object.fromEntries(login.reasons.map((reason) => [reason.name, reason.from]));
    expect(from).toMatchObject({ LOGIN_FAILED: "comment", RATE_LIMITED: "comment", FIELD_INVALID: "policy", INTERNAL: "transport" });
    expect(from).not.toHaveProperty("CREDENTIAL_MISSING");
    expect(login.docs).toBe("Exchanges a user name and a password for a token.");
  });
});

describe("a comment that speaks of errors", () => {
  it("loses the sentence that names reasons, and keeps one that names none", async () => {
    const text = `${protoHead("errors.v1")}service ErrorsService {
  // Reads. Errors: see the manual.
${rpcOf("Get(Req) returns (Req)", 'get: "/v1/get"')}  // Finds. Errors: INTERNAL, SHUTTING_DOWN. Never twice.
${rpcOf("Find(Req) returns (Req)", 'get: "/v1/find"')}}
message Req {}
`;
    const [service] = buildModel(await imageOfTexts({ "errors.proto": text })).services;
    expect(service!.methods.map(({ docs }) => docs)).toEqual(["Reads. Errors: see the manual.", "Finds. Never twice."]);
  });
});

describe("a contract is refused", () => {
  it.each([
    ["refused", "policies"],
    ["refused", "templates"],
    ["refused", "bodies"],
    ["refused", "routes"],
    ["refused", "webhooks"],
    ["buckets", "buckets"],
  ] as const)("in the words of the golden: %s/%s.proto", async (folder, file) => {
    const image = await imageOfFile(folder, `${file}.proto`);
    const refusal = (() => {
      try {
        buildModel(image);
      } catch (error) {
        if (error instanceof GeneratorError) return error;
        throw error;
      }
    })();
    await expect(`${refusal?.message}\n`).toMatchFileSnapshot(`golden/${file}.refused.txt`);
  });
});

describe("a rule that cannot be evaluated", () => {
  const bad = 'expression: "this ++ 1"';
  const cases: readonly (readonly [what: string, body: string, at: string, said: RegExp])[] = [
    ["in CEL", `string a = 1 [(buf.validate.field).cel = {id: "x", message: "m", ${bad}}];`, "rules.v1.Req.a", /failed to compile x: syntax error/],
    ["in CEL of a whole message", `string a = 1; option (buf.validate.message).cel = {id: "y", message: "m", ${bad}};`, "rules.v1.Req", /failed to compile y: syntax error/],
    ["in CEL of items", `repeated string a = 1 [(buf.validate.field).repeated.items.cel = {id: "z", ${bad}}];`, "rules.v1.Req.a", /failed to compile z: syntax error/],
    ["as a pattern", 'string b = 2; string a = 1 [(buf.validate.field).string.pattern = "("];', "rules.v1.Req.a", /error parsing regexp: missing closing \)/],
    ["as a pattern of what may be left out", 'optional string a = 1 [(buf.validate.field).string.pattern = "("];', "rules.v1.Req.a", /error parsing regexp/],
    ["since it is of another type", "int32 a = 1 [(buf.validate.field).string.min_len = 1];", "rules.v1.Req.a", /expected rule "int32", got "string"/],
    ["deep within", "Inner inner = 1;", "rules.v1.Inner.a", /failed to compile x/],
  ];
  it.each(cases)("%s is refused where it stands", async (_, body, at, said) => {
    const text = `${protoHead("rules.v1", "buf/validate/validate.proto")}service RulesService {
${rpcOf("Get(Req) returns (Done)", 'post: "/v1/get" body: "*"')}${rpcOf("Find(Req) returns (Done)", 'post: "/v1/find" body: "*"')}}
message Done {}
message Inner { string a = 1${at.includes("Inner") ? ` [(buf.validate.field).cel = {id: "x", ${bad}}]` : ""}; }
message Req {
  ${body}
}
`;
    const image = await imageOfTexts({ "rules.proto": text });
    const { problems } = await Promise.resolve().then(() => buildModel(image)).then(() => ({ problems: [] }), (error: GeneratorError) => error);
    expect(problems).toHaveLength(1);
    expect(problems[0]!.rule).toBe("rule-invalid");
    expect(problems[0]!.message).toMatch(said);
    expect(problems[0]!.message).toContain(`a rule of ${at} cannot be evaluated: `);
    const line = text.split("\n").findIndex((each) => (at.endsWith("Req") ? each.startsWith("message Req") : at.includes("Inner") ? each.startsWith("message Inner") : each.includes(body))) + 1;
    expect(problems[0]!.place).toMatch(new RegExp(`^rules\\.proto:${line}:\\d+$`));
  });

  it("of some values only is none: they are the caller's", async () => {
    const text = `${protoHead("rules.v1", "buf/validate/validate.proto")}service RulesService {
${rpcOf("Get(Req) returns (Done)", 'post: "/v1/get" body: "*"')}}
message Done {}
message Req { repeated uint32 a = 1 [(buf.validate.field).cel = {id: "first", message: "m", expression: "this[3] > 0u"}]; }
`;
    expect(buildModel(await imageOfTexts({ "rules.proto": text })).services[0]!.methods[0]!.examples).toMatchObject({ response: {} });
  });
});
