/** A contract with the document that describes it, and a server that does nothing but read and validate what its operations are sent. */
import { readFileSync } from "node:fs";
import { type DescService, fromJson, type JsonValue } from "@bufbuild/protobuf";
import { parse } from "yaml";
import { CredentialKind } from "../../server/src/call.js";
import { createParapet } from "../../server/src/parapet.js";
import { ADMIN, everyCollection } from "../../server/src/policy/rights.js";
import { buildModel } from "../../sdk/generator/src/build/build-model.js";
import type { Image } from "../../sdk/generator/src/image.js";
import type { Binding, Method, Model } from "../../sdk/generator/src/model.js";
import { documentOf } from "../../sdk/generator/src/targets/openapi/document.js";
import { operationId } from "../../sdk/generator/src/targets/openapi/names.js";
import { imageOf } from "../../sdk/generator/src/testing/contracts.js";
import { createHttp1Line } from "../matrix/http1-line.js";

/** The parts of an OpenAPI document that are judged by. */
export interface Document {
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly schemas: Record<string, object> };
}

/** An operation of the document. */
export interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly required?: boolean; readonly content: Record<string, { readonly schema: { readonly contentSchema?: object } }> };
}

/** A parameter of an operation. */
export interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema: object;
}

/** One binding with its operation. */
export interface Bound {
  readonly method: Method;
  readonly binding: Binding;
  readonly operation: Operation;
}

/** A contract with its document. */
export interface Surface {
  readonly image: Image;
  readonly model: Model;
  readonly document: Document;
  readonly bound: readonly Bound[];
}

/** A request, but for its headers. */
export interface Request {
  readonly verb: string;
  readonly target: string;
  readonly contentType?: string;
  readonly body?: string;
}

/** What the server said to a request. */
export interface Answer {
  readonly accepted: boolean;
  readonly reason: string;
  readonly detail: string;
  /** The rules that were broken, where rules were. */
  readonly violations: readonly Violation[];
}

/** A broken rule. */
export interface Violation {
  readonly field: string;
  readonly rule: string;
}

/** A running server. */
export interface Door {
  /** Sends requests over one kept connection. Rejects for an answer that neither accepts nor refuses what was sent. */
  send(requests: readonly Request[]): Promise<Answer[]>;
  close(): Promise<void>;
}

/** Reasons that refuse what a request says, not who says it or when. */
const refusals: ReadonlySet<string> = new Set(["REQUEST_MALFORMED", "FIELD_INVALID", "QUERY_PARAMETER_UNKNOWN"]);
/** Requests that are written before their answers are read. */
const pipelined = 32;

/** Parapet's contract with the document that is published, or the awkward contracts with the one that the generator makes. */
export async function surfaceOf(name: "parapet" | "awkward"): Promise<Surface> {
  const image = await imageOf(name);
  const model = buildModel(image);
  const published = (): Document => parse(readFileSync(new URL("../../openapi/parapet.openapi.yaml", import.meta.url), "utf8")) as Document;
  return describedBy(image, model, name === "parapet" ? published() : (documentOf(model, {}) as unknown as Document));
}

/** A contract with some document. */
export function describedBy(image: Image, model: Model, document: Document): Surface {
  const operations = new Map(Object.values(document.paths).flatMap((item) => Object.values(item).map((operation) => [operation.operationId, operation] as const)));
  // Requests of google.protobuf hold no fields of a contract to write by: known-types.test.ts has these.
  // And what holds a field `__proto__`, at which the library looks in no schema, is in builtin-names.test.ts.
  const known = new Set(model.messages.filter(({ fields }) => fields.every(({ jsonName }) => jsonName !== "__proto__")).map(({ fullName }) => fullName));
  const bound = model.services.flatMap(({ methods }) => methods.filter(({ request }) => known.has(request)).flatMap((method) => method.bindings.map((binding) => ({ method, binding, operation: operations.get(operationId(model, method, binding))! }))));
  return { image, model, document, bound };
}

/** Starts the server of a contract. */
export async function openDoor({ image, model }: Surface): Promise<Door> {
  const services = model.services.map(({ fullName }) => image.registry.getService(fullName)!);
  const parapet = createParapet({
    services: (router) => services.forEach((service) => router.service(service, acceptAll(service, image, model))),
    rest: model.services.flatMap(({ methods }) => methods.flatMap((method) => method.bindings.map((binding) => ({ ...binding, method: method.fullName })))),
    identity: { authenticate: () => Promise.reject(new Error("nobody signs in here")) },
    everybody: { principal: { id: "usr_1", name: "one", tenant: "t", admin: true, grants: new Map([[everyCollection, ADMIN]]) }, credential: { kind: CredentialKind.NONE, id: "" } },
    audit: { write: () => Promise.resolve() },
    limiter: null,
    buckets: Object.fromEntries(model.buckets.map(({ name, requests, burst, windowMs }) => [name, { name, algorithm: 1, requests, burst, windowMs }])),
    tenant: "t",
    reflection: "off",
  });
  const port = await parapet.listen({ hosts: ["127.0.0.1"], port: 0 });
  const line = createHttp1Line(port);
  const written = ({ verb, target, contentType, body }: Request): Buffer => {
    const bytes = Buffer.from(body ?? "");
    const head = [`${verb} ${target} HTTP/1.1`, `host: 127.0.0.1:${port}`, "idempotency-key: k", ...(contentType === undefined ? [] : [`content-type: ${contentType}`, `content-length: ${bytes.length}`])];
    return Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), bytes]);
  };
  return {
    async send(requests) {
      const answers: Answer[] = [];
      for (let from = 0; from < requests.length; from += pipelined) {
        const batch = requests.slice(from, from + pipelined);
        const arrived = await line.pipeline(Buffer.concat(batch.map(written)), batch.map(({ verb }) => verb));
        for (const [index, { status, body, outcome }] of arrived.entries()) {
          const problem = status === 200 ? {} : (JSON.parse(body.toString() || "{}") as { reason?: string; detail?: string; violations?: Violation[] });
          const reason = problem.reason ?? "";
          if (status !== 200 && !(status === 400 && refusals.has(reason))) throw new Error(`${outcome} ${status} ${body.toString()} to ${batch[index]!.verb} ${batch[index]!.target} ${batch[index]!.body ?? ""}`);
          answers.push({ accepted: status === 200, reason, detail: problem.detail ?? "", violations: problem.violations ?? [] });
        }
      }
      return answers;
    },
    async close() {
      line.close();
      await parapet.close(1_000);
    },
  };
}

/** Handlers that take whatever gets to them: what is tested lies before them. */
function acceptAll(service: DescService, { registry }: Image, model: Model): Record<string, unknown> {
  const examples = new Map(model.services.flatMap(({ methods }) => methods.map((method) => [method.fullName, method.examples.response ?? {}] as const)));
  return Object.fromEntries(
    service.methods.map((method) => {
      const response = fromJson(method.output, examples.get(`${service.typeName}/${method.name}`) as JsonValue, { registry });
      const table: Record<typeof method.methodKind, unknown> = {
        unary: () => response,
        server_streaming: async function* () {
          yield response;
        },
        client_streaming: async (messages: AsyncIterable<unknown>) => {
          for await (const _ of messages);
          return response;
        },
        bidi_streaming: async function* (messages: AsyncIterable<unknown>) {
          for await (const _ of messages) yield response;
        },
      };
      return [method.localName, table[method.methodKind]];
    }),
  );
}
