// Tests the OpenAPI document against goldens, and what must hold of every document.
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { buildModel } from "../../build/build-model.js";
import type { Model } from "../../model.js";
import { type ContractName, emitted, imageOf, imageOfFile, imageOfTexts, modelOf, modelOfFile, protoHead, rpcOf } from "../../testing/contracts.js";
import { documentOf } from "./document.js";
import { openapiModuleTarget, openapiTarget } from "./emit.js";
import { responseHeaders } from "./headers.js";
import type { OpenApiDocument, OpenApiObject } from "./types.js";

interface Operation extends OpenApiObject {
  operationId: string;
  security: OpenApiObject[];
  parameters?: { name: string; in: string; required?: boolean; schema: OpenApiObject }[];
  requestBody?: { content: Record<string, { schema: OpenApiObject }> };
  responses: Record<string, OpenApiObject>;
}

function operationsOf(document: OpenApiDocument): { path: string; verb: string; operation: Operation }[] {
  return Object.entries(document.paths).flatMap(([path, item]) => Object.entries(item).map(([verb, operation]) => ({ path, verb, operation: operation as Operation })));
}

function operationOf(document: OpenApiDocument, id: string): Operation {
  return operationsOf(document).find(({ operation }) => operation.operationId === id)!.operation;
}

/** Every object in the document, with the path to it. */
function* objectsIn(value: unknown, at = "#"): Generator<{ at: string; object: OpenApiObject }> {
  if (typeof value !== "object" || value === null) return;
  if (!Array.isArray(value)) yield { at, object: value as OpenApiObject };
  for (const [key, item] of Object.entries(value)) yield* objectsIn(item, `${at}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`);
}

function targetOf(document: OpenApiDocument, ref: string): unknown {
  return ref
    .slice(2)
    .split("/")
    .reduce<unknown>((at, key) => (at as OpenApiObject | undefined)?.[key.replaceAll("~1", "/").replaceAll("~0", "~")], document);
}

describe("a document", () => {
  it.each(["rules", "bounds", "routes", "shapes", "names", "legacy", "webhooks", "known", "builtins", "taken"])("of %s.proto is its golden", async (file) => {
    const [yaml] = emitted(openapiTarget, await imageOfFile("awkward", `${file}.proto`), { title: "Awkward", version: "1.0.0", license: "Apache 2.0", licenseId: "Apache-2.0" });
    await expect(yaml!.content).toMatchFileSnapshot(`golden/${file}.openapi.yaml`);
  });

  it("is the same as YAML, as JSON and as a module", async () => {
    const image = await imageOf("parapet");
    const [yaml, json] = emitted(openapiTarget, image, { name: "x" });
    const [module] = emitted(openapiModuleTarget, image);
    expect([yaml!.path, json!.path, module!.path]).toEqual(["x.openapi.yaml", "x.openapi.json", "document.ts"]);
    expect(parse(yaml!.content)).toEqual(JSON.parse(json!.content));
    const texts = [...module!.content.matchAll(/: string = (".*");$/gm)].map(([, literal]) => JSON.parse(literal!) as string);
    expect(texts[0]).toBe(yaml!.content);
    expect(JSON.parse(texts[1]!)).toEqual(JSON.parse(json!.content));
  });

  it("of OpenAPI 3.2 says what each item of a stream is, and nothing else differently", async () => {
    const model = await modelOf("parapet");
    const [older, newer] = [documentOf(model, {}), documentOf(model, { spec: "3.2" })];
    expect([older.openapi, newer.openapi]).toEqual(["3.1.0", "3.2.0"]);
    const streams = (document: OpenApiDocument) => [...objectsIn(document.paths)].filter(({ at }) => /\/content\/(application~1x-ndjson|text~1event-stream)$/.test(at));
    expect(streams(newer).length).toBeGreaterThan(2);
    expect(streams(newer).map(({ at }) => at)).toEqual(streams(older).map(({ at }) => at));
    for (const { object } of streams(newer)) expect([Object.hasOwn(object, "itemSchema"), Object.hasOwn(object, "schema")]).toEqual([true, false]);
    const { content } = operationOf(newer, "DocumentService_Export").responses["200"] as { content: Record<string, { itemSchema: OpenApiObject; example: unknown[] }> };
    const [item] = content["application/x-ndjson"]!.itemSchema["anyOf"] as { $ref: string }[];
    expect(targetOf(newer, item!.$ref)).toMatchObject({ type: "object", properties: { contentMd: { type: "string" } } });
    expect(content["text/event-stream"]!.itemSchema).toMatchObject({ required: ["data"], properties: { data: { contentMediaType: "application/json", contentSchema: item } } });
    // What is left without its streams is the same.
    for (const { object } of [...streams(newer), ...streams(older)]) for (const key of Object.keys(object)) delete object[key];
    expect({ ...newer, openapi: "3.1.0" }).toEqual(older);
    expect(() => documentOf(model, { spec: "4.0" })).toThrow("wanted 3.1 or 3.2");
  });

  describe.each(["parapet", "awkward"] as const)("of %s", (name: ContractName) => {
    const made = modelOf(name).then((model) => ({ model, document: documentOf(model, {}) }));

    it("refers to nothing that is not there, and has no component that nobody refers to", async () => {
      const { document } = await made;
      const refs = [...objectsIn(document)].flatMap(({ object }) => (typeof object["$ref"] === "string" ? [object["$ref"]] : []));
      expect(refs.filter((ref) => targetOf(document, ref) === undefined)).toEqual([]);
      const components = (["schemas", "responses", "headers", "parameters"] as const).flatMap((kind) => Object.keys(document.components[kind] ?? {}).map((key) => `#/components/${kind}/${key}`));
      expect(components.filter((component) => !refs.includes(component))).toEqual([]);
    });

    it("has one operation for each binding, with an id of its own", async () => {
      const { model, document } = await made;
      const bindings = model.services.flatMap((service) => service.methods.flatMap((method) => method.bindings));
      const ids = operationsOf(document).map(({ operation }) => operation.operationId);
      expect(ids).toHaveLength(bindings.length);
      expect(new Set(ids).size).toBe(ids.length);
    });

    it("declares each parameter of a path, and no name twice", async () => {
      const { document } = await made;
      for (const { path, operation } of operationsOf(document)) {
        const names = [...path.matchAll(/\{([^}]*)\}/g)].map(([, found]) => found);
        const declared = (operation.parameters ?? []).filter((parameter) => parameter.in === "path").map((parameter) => parameter.name);
        expect(declared).toEqual(names);
        const all = (operation.parameters ?? []).map((parameter) => `${parameter.in} ${parameter.name.toLowerCase()}`);
        expect(new Set(all).size).toBe(all.length);
      }
    });

    it("has a webhook for each event, and the section only where there are some", async () => {
      const { model, document } = await made;
      expect(Object.keys(document.webhooks ?? {})).toEqual(model.webhooks.map(({ event }) => event));
      expect(Object.hasOwn(document, "webhooks")).toBe(model.webhooks.length > 0);
      const operations = Object.values(document.webhooks ?? {}).map(({ post }) => post as Operation);
      const ids = [...operationsOf(document).map(({ operation }) => operation), ...operations].map(({ operationId }) => operationId);
      expect(new Set(ids).size).toBe(ids.length);
      const tags = document.tags.map(({ name }) => name);
      for (const operation of operations) {
        expect(tags).toContain((operation["tags"] as string[])[0]);
        expect(Object.keys(operation.responses)).toEqual(["410", "2XX", "default"]);
        const headers = operation.parameters!.map((parameter) => (targetOf(document, (parameter as unknown as { $ref: string }).$ref) as { name: string }).name);
        expect(headers).toEqual(["webhook-id", "webhook-timestamp", "webhook-signature"]);
      }
    });

    it("does not depend on the order of bindings for ids", async () => {
      const { model } = await made;
      const turned: Model = {
        ...model,
        services: model.services.map((service) => ({
          ...service,
          methods: service.methods.map((method) => ({ ...method, bindings: [...method.bindings.slice(0, 1), ...method.bindings.slice(1).reverse()] })),
        })),
      };
      const idsOf = (document: OpenApiDocument) => Object.fromEntries(operationsOf(document).map(({ path, verb, operation }) => [`${verb} ${path.replace(/\{[^}]*\}/g, "{}")}`, operation.operationId]));
      expect(idsOf(documentOf(turned, {}))).toEqual(idsOf(documentOf(model, {})));
    });
  });
});

describe("an operation", () => {
  const parapet = modelOf("parapet").then((model) => documentOf(model, {}));
  const rules = modelOfFile("awkward", "rules.proto").then((model) => documentOf(model, {}));
  const routes = modelOfFile("awkward", "routes.proto").then((model) => documentOf(model, {}));
  const reasonsOf = (document: OpenApiDocument, operation: Operation, status: string): string[] => {
    const { $ref } = operation.responses[status] as { $ref: string };
    const response = targetOf(document, $ref) as { content: { "application/problem+json": { schema: { allOf: [unknown, { properties: { reason: { enum: string[] } } }] } } } };
    return response.content["application/problem+json"].schema.allOf[1].properties.reason.enum;
  };

  it("takes Last-Event-ID where its stream can be resumed, and nowhere else", async () => {
    const taking = (document: OpenApiDocument) =>
      Object.values(document.paths)
        .flatMap((item) => Object.values(item))
        .filter(({ parameters }) => ((parameters ?? []) as { name: string; in: string }[]).some((parameter) => parameter.name === "Last-Event-ID" && parameter.in === "header"))
        .map(({ operationId }) => operationId);
    expect(taking(await parapet)).toEqual(["DocumentService_Export_getV1CollectionsCollectionExport", "DocumentService_Export"]);
    expect(taking(await routes)).toEqual(["RoutesService_Watch"]);
    expect(taking(await rules)).toEqual([]);
  });

  it("takes no Last-Event-ID where a stream has no events, since it is of bytes", async () => {
    const text = `${protoHead("raw.v1", "google/api/httpbody.proto")}service RawService {
${rpcOf("Read(ReadRequest) returns (stream ReadResponse)", 'get: "/v1/parts" additional_bindings {get: "/v1/raw" response_body: "body"}', 'resume: {request_field: "after" response_field: "cursor"}')}}
message ReadRequest { string after = 1; }
message ReadResponse { string cursor = 1; google.api.HttpBody body = 2; }
`;
    const { paths } = documentOf(buildModel(await imageOfTexts({ "raw.proto": text })), {});
    const headers = (path: string) => ((paths[path]!["get"]!["parameters"] ?? []) as { name: string; in: string }[]).filter((parameter) => parameter.in === "header").map(({ name }) => name);
    expect([headers("/v1/parts"), headers("/v1/raw")]).toEqual([["Last-Event-ID"], []]);
  });

  it("shows what comments say, where they are no HTML and end in code", async () => {
    const comment = "// A <hotel> &amp; its `<rooms>`.\n//\n// ```\n// const room = \"<b>`bed`\";\n// ```\n";
    const text = `${protoHead("hotel.v1", "buf/validate/validate.proto")}${comment}service HotelService {
${comment}${rpcOf("Read(Room) returns (Done)", 'get: "/v1/room"')}}
${comment}message Room {
  ${comment}string name = 1;
}
${comment}message Done {
  ${comment}Bed bed = 1;
}
${comment}message Bed {
  ${comment}string name = 1;
  option (buf.validate.message).cel = {id: "named", message: "a bed <needs> a name", expression: "this.name != ''"};
}
`;
    const document = documentOf(buildModel(await imageOfTexts({ "hotel.proto": text })), {});
    const said = "A &lt;hotel> &amp;amp; its `<rooms>`.\n\n```\nconst room = \"<b>`bed`\";\n```";
    const get = document.paths["/v1/room"]!["get"] as unknown as Operation & { description: string };
    expect(document.tags).toMatchObject([{ description: said }]);
    expect(get.description).toBe(said);
    expect(get.parameters).toMatchObject([{ description: said }]);
    expect(get.responses["200"]).toMatchObject({ description: said });
    expect(document.components.schemas).toMatchObject({ Done: { description: said, properties: { bed: { description: said } } }, Bed: { description: `${said}\n\nA bed &lt;needs> a name.` } });
  });

  it("can fail with every code that a handler may throw, beside those of the contract's reasons", async () => {
    const { code } = (await parapet).components.schemas["Problem"]!["properties"] as { code: { enum: string[] } };
    expect(code.enum).toEqual([
      "aborted", "already_exists", "canceled", "data_loss", "deadline_exceeded", "failed_precondition", "internal", "invalid_argument", "not_found", "out_of_range", "permission_denied",
      "resource_exhausted", "unauthenticated", "unavailable", "unimplemented",
    ]);
  });

  it("says which credentials it takes, and that it needs none where it is public", async () => {
    const document = await parapet;
    expect(operationOf(document, "DocumentService_Add").security).toEqual([{ bearerAuth: [] }, { apiKeyAuth: [] }]);
    expect(operationOf(document, "AuthService_Login").security).toEqual([]);
  });

  it("names the reasons of each status", async () => {
    const document = await parapet;
    const add = operationOf(document, "DocumentService_Add");
    expect(reasonsOf(document, add, "412")).toEqual(["ETAG_MISMATCH"]);
    expect(reasonsOf(document, add, "403")).toEqual(["PERMISSION_MISSING", "ORIGIN_REFUSED"]);
    expect(reasonsOf(document, operationOf(document, "AuthService_Register"), "409")).toEqual(["USER_EXISTS", "IDEMPOTENCY_IN_FLIGHT"]);
    expect(Object.keys(operationOf(document, "SystemService_GetHealth").responses)).toEqual(["200", "400", "403", "503", "default"]);
  });

  it("has the limit headers where a bucket is spent, and nowhere else", async () => {
    const document = await parapet;
    const headersOf = (id: string) => Object.keys((operationOf(document, id).responses["200"] as { headers: object }).headers);
    expect(headersOf("DocumentService_Search")).toEqual(["X-Request-Id", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "RateLimit", "RateLimit-Policy", "X-Total-Count"]);
    expect(headersOf("SystemService_GetHealth")).toEqual(["X-Request-Id"]);
    expect(responseHeaders.RetryAfter.name).toBe("Retry-After");
  });

  it("takes conditions and idempotency keys where the contract has them", async () => {
    const headersOf = (document: OpenApiDocument, id: string) => (operationOf(document, id).parameters ?? []).filter((parameter) => parameter.in === "header").map(({ name, required }) => [name, required ?? false]);
    expect(headersOf(await parapet, "DocumentService_Add")).toEqual([["Idempotency-Key", false], ["If-Match", false], ["If-None-Match", false]]);
    expect(headersOf(await parapet, "DocumentService_Get")).toEqual([["If-None-Match", false]]);
    expect(headersOf(await rules, "RulesService_Check")).toEqual([["Idempotency-Key", true]]);
    expect(operationOf(await parapet, "DocumentService_Get").responses).toHaveProperty("304");
  });

  it("takes nested and repeated fields from the query, and leaves out what stands in the path", async () => {
    const parameters = operationOf(await routes, "RoutesService_ReadItem").parameters!;
    expect(parameters.map((parameter) => `${parameter.in} ${parameter.name}`)).toEqual(["path id", "query owner.name", "query owner.note", "query moments", "query views", "query partsMax", "query fields", "query history"]);
    const other = operationOf(await routes, "RoutesService_ReadItem_getV1OwnersOwnerNameItemsId").parameters!;
    expect(other.map((parameter) => parameter.name).slice(0, 3)).toEqual(["owner.name", "id", "owner.note"]);
  });

  it("has a body without what stands in the path", async () => {
    const { schema } = operationOf(await routes, "RoutesService_PatchItem").requestBody!.content["application/json"]!;
    expect(Object.keys(schema["properties"] as object)).toEqual(["name", "size", "owner", "person", "machine"]);
    const owner = operationOf(await routes, "RoutesService_PutOwner").requestBody!.content["application/json"]!;
    expect(Object.keys(owner.schema["properties"] as object)).toEqual(["note"]);
  });

  it("says that the members of a oneof exclude each other, without a variant for none", async () => {
    const { schema } = operationOf(await routes, "RoutesService_PatchItem").requestBody!.content["application/json"]!;
    const without = (...names: string[]) => ({ propertyNames: { not: { enum: names } } });
    expect(schema["dependentSchemas"]).toEqual({ name: without("size", "owner"), size: without("owner"), person: without("machine") });
    const check = (await rules).components.schemas["CheckRequest"]!;
    expect(check["allOf"]).toMatchObject([{ oneOf: [{ title: "text", required: ["text"] }, { title: "number", required: ["number"] }] }]);
  });

  it("keeps additional properties open, as the server ignores unknown fields", async () => {
    const closed = [...objectsIn(await parapet)].filter(({ object }) => object["additionalProperties"] === false);
    expect(closed.map(({ at }) => at)).toEqual([]);
  });
});
