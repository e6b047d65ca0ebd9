/** The page that leads to all others, and what all methods share. */
import type { Model } from "../../model.js";
import { facadeVariable } from "../typescript/snippet.js";
import type { CallContext } from "./calls.js";
import { accessOf, bucketKey, countingOf, reasonsTable } from "./facts.js";
import { cell, code, fenced, firstSentence, table } from "./markdown.js";
import type { Page } from "./pages.js";
import { anyCallKey, restOf } from "./service-page.js";
import { webhooksKey } from "./webhooks-page.js";

/** How protobuf-JSON writes what JSON does not have (protobuf.dev/programming-guides/json). */
const jsonForms: readonly (readonly [type: string, form: string])[] = [
  ["int64, uint64, sint64, fixed64, sfixed64", "text of digits"],
  ["bytes", "Base64"],
  ["float, double", 'number, or `"NaN"`, `"Infinity"`, `"-Infinity"`'],
  ["enums", "name of the value"],
  ["Timestamp", 'RFC 3339: `"2026-03-02T18:00:00Z"`'],
  ["Duration", 'seconds: `"1.5s"`'],
  ["FieldMask", 'JSON names of fields: `"title,meta"`'],
  ["Struct, Value, ListValue", "any JSON"],
  ["wrappers such as Int32Value", "the value, or `null`"],
];

/** Writes the page. */
export function indexPage(model: Model, path: string, title: string, { names, server }: CallContext): Page {
  const shared = new Set(model.services.flatMap(({ methods }) => methods).flatMap(({ reasons }) => reasons.filter(({ from }) => from === "transport").map(({ name }) => name)));
  const client = facadeVariable(names);
  return {
    path,
    blocks: [
      { level: 1, title, key: "index" },
      () => `Every method of ${[...new Set(model.services.map((each) => each.package))].map(code).join(", ")}: who may call it, how often, what is recorded, what it takes and answers, and how it refuses.`,
      (to) => table(["service", "methods", "about"], model.services.map((each) => [to(each.name, each.fullName), String(each.methods.length), cell(firstSentence(each.docs))])),
      (to) => (model.webhooks.length === 0 ? "" : `And what the server posts: ${to(`${model.webhooks.length} ${model.webhooks.length === 1 ? "webhook" : "webhooks"}`, webhooksKey)}.`),
      { level: 2, title: "Calling" },
      () => `Every method is there on four protocols, on one port: ${code(server)} in the examples. On each it takes the same message, answers the same, and refuses for the same reasons. Only a method without a binding is not on REST.`,
      () =>
        table(
          ["protocol", "what is sent"],
          [
            ["REST", "the verb and path of the method's binding, fields in path, query and JSON body; refusals are `application/problem+json`"],
            ["Connect", "`POST` of JSON or binary to `/package.Service/Method`; safe methods answer to `GET` as well"],
            ["gRPC, gRPC-Web", "binary messages to the same path; gRPC over HTTP/2, gRPC-Web over any"],
          ],
        ),
      () => "A credential stands in `Authorization: Bearer …` or in `X-API-Key: …`, on all of them. The examples read it from `$TOKEN`; `buf curl` is part of [buf](https://buf.build/docs/).",
      () => fenced("ts", `const ${client} = new ${names.facade}({ baseUrl: ${JSON.stringify(server)}, token: () => token });`),
      { level: 2, title: "Methods" },
      (to) =>
        table(
          ["method", "REST", "who may call"],
          model.services.flatMap((service) => service.methods.map((method) => [`${service.name}.${to(method.name, method.fullName)}`, restOf(method), accessOf(method)])),
        ),
      ...(model.buckets.length === 0 ? [] : [{ level: 2, title: "Limits" } as const, () => "What the contract says; a deployment may have other numbers."]),
      ...model.buckets.flatMap((bucket) => [{ level: 3, title: bucket.name, key: bucketKey(bucket.name) } as const, () => `${countingOf(bucket)}.`]),
      { level: 2, title: "Refusals of any call", key: anyCallKey },
      (to) => reasonsTable(model.reasons.filter(({ name }) => shared.has(name)), to),
      { level: 2, title: "Types in JSON" },
      () => table(["type", "in JSON"], jsonForms),
    ],
  };
}
