/** The OpenAPI document of a contract. */
import { GeneratorError } from "../../errors.js";
import type { Model } from "../../model.js";
import { plain } from "../docs/markdown.js";
import { sampleContext } from "./code-samples.js";
import { headerComponent, type HeaderName, responseHeaders } from "./headers.js";
import { createPathNames, tagNames } from "./names.js";
import { type OperationContext, operationOf, pathItemOf } from "./operations.js";
import { problemSchema, violationSchema } from "./problems.js";
import { SchemaBuilder } from "./schemas.js";
import { compact, type OpenApiDocument, type OpenApiObject, type Schema } from "./types.js";
import { webhookSectionOf } from "./webhooks.js";

/** What the contract itself does not say. */
export interface DocumentOptions {
  readonly title?: string;
  readonly version?: string;
  readonly description?: string;
  /** Name of the licence. */
  readonly license?: string;
  /** SPDX identifier of the licence. */
  readonly licenseId?: string;
  /** URL of the server; relative to the document's own. */
  readonly server?: string;
  /** Package of the TypeScript client; without one no code samples are shown. */
  readonly sdk?: string;
  /** Name of the client's class. */
  readonly facade?: string;
  /** Version of OpenAPI: `3.1` or `3.2`. */
  readonly spec?: string;
}

/**
 * Builds the document.
 * @throws GeneratorError with rule `name-clash` if two operations get one id, and with `option-invalid` for another version of OpenAPI
 */
export function documentOf(model: Model, options: DocumentOptions): OpenApiDocument {
  const { spec = "3.1" } = options;
  if (spec !== "3.1" && spec !== "3.2") throw new GeneratorError([{ rule: "option-invalid", place: "openapi.spec", message: `wanted 3.1 or 3.2, not ${JSON.stringify(spec)}` }]);
  const schemas = new SchemaBuilder(model);
  const responses: Record<string, OpenApiObject> = {};
  const tags = tagNames(model);
  const ids = new Map<string, string>();
  const paths = pathsOf({ model, tags, schemas, spec, responses, samples: sampleContext(model, options) }, (id, owner) => claim(ids, id, owner));
  const posted = webhookSectionOf(model, schemas);
  for (const [event, { post }] of Object.entries(posted?.webhooks ?? {})) claim(ids, String(post!["operationId"]), event);
  return {
    openapi: `${spec}.0`,
    info: compact({
      title: options.title ?? titleOf(model),
      version: options.version ?? model.contractVersion,
      description: options.description,
      license: options.license ? compact({ name: options.license, identifier: options.licenseId }) : undefined,
      "x-contract-hash": model.contractHash,
    }),
    servers: [{ url: options.server ?? "/" }],
    tags: [
      ...model.services
        .filter(({ methods }) => methods.some(({ bindings }) => bindings.length > 0))
        .map(({ fullName, name, docs }) => ({ name: tags.get(fullName)!, description: plain(docs) || name })),
      ...(posted ? [posted.tag] : []),
    ],
    paths,
    ...(posted ? { webhooks: posted.webhooks } : {}),
    components: {
      schemas: sortKeys<Schema>({ ...schemas.components, ...(Object.keys(paths).length > 0 ? { Problem: problemSchema(model), Violation: violationSchema } : {}) }),
      responses: sortKeys(responses),
      ...(posted ? { parameters: posted.parameters } : {}),
      headers: usedHeaders({ paths, responses }),
      securitySchemes: securitySchemes(model),
    },
  };
}

/** The schemas of a contract, with every component that its document has, also where two operations get one id. */
export function schemasOf(model: Model): SchemaBuilder {
  const schemas = new SchemaBuilder(model);
  pathsOf({ model, tags: tagNames(model), schemas, spec: "3.1", responses: {}, samples: sampleContext(model, {}) }, () => undefined);
  webhookSectionOf(model, schemas);
  return schemas;
}

/** `claims` is told who takes which operationId. */
function pathsOf(context: OperationContext, claims: (id: string, owner: string) => void): OpenApiDocument["paths"] {
  const { model, schemas } = context;
  const paths: OpenApiDocument["paths"] = {};
  const pathNames = createPathNames();
  for (const service of model.services) {
    for (const method of service.methods) {
      for (const binding of method.bindings) {
        const item = pathNames(pathItemOf(binding, method, schemas));
        const operation = operationOf(context, method, binding, item);
        claims(String(operation["operationId"]), `${method.fullName} (${binding.verb} ${binding.template})`);
        (paths[item.path] ??= {})[binding.verb.toLowerCase()] = operation;
      }
    }
  }
  return sortKeys(paths);
}

function claim(ids: Map<string, string>, id: string, owner: string): void {
  const other = ids.get(id);
  if (other !== undefined) {
    throw new GeneratorError([{ rule: "name-clash", place: owner, message: `its operationId "${id}" is that of ${other} already` }]);
  }
  ids.set(id, owner);
}

/** Only what is referred to: a linter takes the rest for a mistake. */
function usedHeaders({ paths, responses }: { readonly paths: OpenApiDocument["paths"]; readonly responses: Record<string, OpenApiObject> }): Record<string, OpenApiObject> {
  const used = new Set<string | undefined>();
  const note = (response: OpenApiObject): void => {
    for (const { $ref } of Object.values((response["headers"] ?? {}) as Record<string, { $ref?: string }>)) used.add($ref);
  };
  Object.values(responses).forEach(note);
  for (const operation of Object.values(paths).flatMap((item) => Object.values(item))) Object.values(operation["responses"] as Record<string, OpenApiObject>).forEach(note);
  const names = (Object.keys(responseHeaders) as HeaderName[]).filter((name) => used.has(`#/components/headers/${name}`));
  return Object.fromEntries(names.sort().map((name) => [name, headerComponent(name)]));
}

function securitySchemes(model: Model): Record<string, OpenApiObject> {
  if (model.services.every(({ methods }) => methods.every(({ policy, bindings }) => policy.access.kind === "public" || bindings.length === 0))) return {};
  return {
    bearerAuth: { type: "http", scheme: "bearer", bearerFormat: "JWT or API key", description: "A token from login, or an API key." },
    apiKeyAuth: { type: "apiKey", in: "header", name: "X-API-Key", description: "An API key." },
  };
}

/** The first part of the first package. */
function titleOf({ packages }: Model): string {
  // Files may have no package.
  const first = packages.find((each) => each !== "") ?? "API";
  const [name = first] = first.split(".");
  return `${name[0]!.toUpperCase()}${name.slice(1)}`;
}

function sortKeys<T>(object: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
}
