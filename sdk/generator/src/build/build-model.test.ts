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
