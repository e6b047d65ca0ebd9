/** The cases, called through openapi-fetch with the types that openapi-typescript makes of the generated documents. */
import createClient, { type Client } from "openapi-fetch";
import type { paths as LegacyPaths } from "../../sdk/generator/src/targets/openapi/golden/legacy.types.js";
import type { paths as NamesPaths } from "../../sdk/generator/src/targets/openapi/golden/names.types.js";
import type { components as RoutesComponents, paths as RoutesPaths } from "../../sdk/generator/src/targets/openapi/golden/routes.types.js";
import type { components as ShapesComponents, paths as ShapesPaths } from "../../sdk/generator/src/targets/openapi/golden/shapes.types.js";
import { cases, type CaseName, shapeSent } from "./cases.js";

/** The clients of one server. */
export interface FetchClients {
  readonly routes: Client<RoutesPaths>;
  readonly shapes: Client<ShapesPaths>;
  readonly names: Client<NamesPaths>;
  readonly legacy: Client<LegacyPaths>;
}

/** Makes them. A parameter that may hold slashes says so (`x-parapet-slashes`); the library writes it as it was told to. */
export function fetchClientsOf(baseUrl: string): FetchClients {
  const options = {
    baseUrl,
    pathSerializer: (path: string, values: Record<string, unknown>) => path.replaceAll(/\{([^}]*)\}/g, (_all, name: string) => String(values[name]).split(slashes.some((slashed) => path.endsWith(slashed)) ? "/" : "\0").map(encodeURIComponent).join("/")),
  };
  return { routes: createClient<RoutesPaths>(options), shapes: createClient<ShapesPaths>(options), names: createClient<NamesPaths>(options), legacy: createClient<LegacyPaths>(options) };
}

const slashes = ["/v1/files/{path}", "/v1/files/{path}:write"];

/** What was answered; fails for a refusal. */
async function shown<T>(call: Promise<{ data?: T; error?: unknown }>): Promise<T> {
  const { data, error } = await call;
  if (error !== undefined) throw new Error(JSON.stringify(error));
  return data as T;
}

const raw = (contentType: string, body: Uint8Array) => ({ headers: { "content-type": contentType }, body: "" as string, bodySerializer: () => body as Uint8Array<ArrayBuffer> });
const lines = (...messages: readonly object[]) => ({ headers: { "content-type": "application/x-ndjson" }, body: messages.map((message) => JSON.stringify(message)).join("\n"), bodySerializer: (text: string) => text });
const base64 = (bytes: ArrayBuffer): string => Buffer.from(bytes).toString("base64");
const bytes = Buffer.from(cases["HttpBody as a field of the request"].request.content.data, "base64");

/** A call for each case: which of its requests over REST is made, and what is shown. */
export const byOpenapi: Readonly<Record<CaseName, readonly [index: number, call: (clients: FetchClients) => Promise<unknown>]>> = {
  "a oneof beside a path parameter": [
    0,
    async ({ routes }) => {
      const item: RoutesComponents["schemas"]["Item"] = await shown(routes.PATCH("/v1/items/{id}", { params: { path: { id: "a/b:c" } }, body: { size: "9007199254740993", person: "p" } }));
      return item;
    },
  ],
  "a message in a oneof beside a path parameter": [0, ({ routes }) => shown(routes.PATCH("/v1/items/{id}", { params: { path: { id: "i" } }, body: { owner: {}, machine: "" } }))],
  "an additional binding on the same path": [
    1,
    ({ routes }) => shown(routes.POST("/v1/items/{id}", { params: { path: { id: "i" } }, body: { owner: { name: "o" }, views: ["VIEW_FULL", "VIEW_UNSPECIFIED"], partsMax: 0, fields: "id,owner.name", history: true } })),
  ],
  "repeated message types in query": [
    0,
    ({ routes }) =>
      shown(routes.GET("/v1/items:find", { params: { query: { ages: ["1s", "-2.5s"], names: ["", "a&b=c"], ranks: ["0", "9223372036854775807"], view: "VIEW_BASIC", "owner.name": "o", "owner.note": "+ %" } } })),
  ],
  "moments in query": [0, ({ routes }) => shown(routes.GET("/v1/items/{id}", { params: { path: { id: "i" }, query: { moments: ["2026-11-02T11:11:12+01:00", "0001-01-01T00:00:00Z"] } } }))],
  "HttpBody as the response": [
    0,
    async ({ routes }) => {
      const { data, response } = await routes.GET("/v1/files/{path}", { params: { path: { path: "a/b c/%2F" } }, parseAs: "arrayBuffer" });
      return { contentType: response.headers.get("content-type"), base64: base64(data!) };
    },
  ],
  "HttpBody as a field of the request": [0, ({ routes }) => shown(routes.POST("/v1/files/{path}:write", { params: { path: { path: "a/b" } }, ...raw("text/csv; charset=latin1", bytes) }))],
  "HttpBody as the request": [0, ({ routes }) => shown(routes.PUT("/v1/blob", raw("application/json", Buffer.from("not JSON"))))],
  "HttpBody as a part of the response": [
    0,
    async ({ routes }) => {
      const { data, response } = await routes.GET("/v1/render/{view}", { params: { path: { view: "VIEW_FULL" }, query: { colour: "+/8=" } }, parseAs: "arrayBuffer" });
      return { contentType: response.headers.get("content-type"), base64: base64(data!) };
    },
  ],
  "HttpBody as a stream that goes out": [
    0,
    async ({ routes }) => {
      const { data, response } = await routes.GET("/v1/download", { params: { query: { since: "2026-11-02T10:11:12Z" } }, parseAs: "arrayBuffer" });
      return { contentType: response.headers.get("content-type"), base64: base64(data!) };
    },
  ],
  "HttpBody as a stream that comes in": [0, ({ routes }) => shown(routes.POST("/v1/blob:pour", raw("application/octet-stream", bytes)))],
  "response_body of a message": [0, ({ routes }) => shown(routes.PUT("/v1/owners/{owner.name}", { params: { path: { "owner.name": "a b" }, query: { allowMissing: true } }, body: { note: "n" } }))],
  "response_body of a list": [
    0,
    async ({ routes }) => {
      const names: string[] = await shown(routes.GET("/v1/projects/{parent1}/zones/{parent2}/names", { params: { path: { parent1: "p 1", parent2: "z" } } }));
      return names;
    },
  ],
  "response_body of an empty list": [0, ({ routes }) => shown(routes.GET("/v1/projects/{parent1}/zones/{parent2}/names", { params: { path: { parent1: "p", parent2: "z" } } }))],
  "response_body of a number": [
    0,
    async ({ routes }) => {
      const count: string = await shown(routes.GET("/v1/count/{segment3}", { params: { path: { segment3: "anything" } } }));
      return count;
    },
  ],
  "response_body of a map with enum values": [
    0,
    async ({ routes }) => {
      const views: Record<string, "VIEW_UNSPECIFIED" | "VIEW_BASIC" | "VIEW_FULL"> = await shown(routes.GET("/v1/places/rank/{rank}", { params: { path: { rank: "-9223372036854775808" }, query: { limit: 0 } } }));
      return views;
    },
  ],
  "a member of a oneof in the path": [
    0,
    async ({ routes }) => {
      // @ts-expect-error of a oneof there is one, and it stands in the path
      const refused = await routes.GET("/v1/places/id/{id}", { params: { path: { id: "7" }, query: { rank: "7" } } });
      if (refused.error?.reason !== "QUERY_PARAMETER_UNKNOWN") throw new Error("a second member of a oneof was taken");
      return shown(routes.GET("/v1/places/id/{id}", { params: { path: { id: "7" }, query: { limit: 3 } } }));
    },
  ],
  "response_body of a stream": [
    0,
    async ({ routes }) => {
      const text: string = await shown(routes.GET("/v1/watch", { parseAs: "text" }));
      return text.trim().split("\n").map((line) => JSON.parse(line) as RoutesComponents["schemas"]["Item"]);
    },
  ],
  "a stream that comes in with a path": [0, ({ routes }) => shown(routes.POST("/v1/upload/{target}", { params: { path: { target: "t" } }, ...lines({ id: "i", owner: { name: "owners/a b", note: "é" } }, {}) }))],
  "custom verbs": [0, ({ routes }) => shown(routes.POST("/v1/items/{id}:archive", { params: { path: { id: "a:archive" } }, body: {} }))],
  "a name that ends like a custom verb": [0, ({ routes }) => shown(routes.POST("/v1/items/{id}", { params: { path: { id: "a:archive" } }, body: {} }))],
  "a body that is a list of messages": [0, ({ routes }) => shown(routes.POST("/v1/tags", { params: { query: { replace: true } }, body: [{ name: "a" }, {}] }))],
  "recursive messages": [
    0,
    async ({ shapes }) => {
      const body: ShapesComponents["schemas"]["TreeInput"] = { branches: [{ branches: [{ leaves: [{ colour: "COLOUR_GRAY" }] }, {}] }], forest: { trees: { oak: { branches: [{}] } } } };
      return shown(shapes.POST("/v1/trees", { body }));
    },
  ],
  "reserved words": [0, ({ names }) => shown(names.POST("/v1/delete", { body: { function: "f", constructor: "c", toString: "t", Proto: "p", line2: "l", if: "i", thing: { value: "v" } } }))],
  // Its type has a text where every object has a function, which must be said not to be there.
  "a method that every object has": [0, ({ names }) => shown(names.POST("/v1/constructor", { body: { constructor: "c", else: "", toString: undefined as never } }))],
  "wrappers, presence, enums with aliases, maps with enum values, and everything else in one message": [
    0,
    async ({ shapes }) => {
      // openapi-fetch takes a type of nothing but null for one that is never sent.
      const { nothing: _, ...body } = shapeSent;
      const read = await shown(shapes.POST("/v1/shapes", { body }));
      const wrapped: string | undefined = read.wrappedInt64;
      const long: string = read.anInt64;
      const share: number | "NaN" | "Infinity" | "-Infinity" = read.aDouble;
      const colours: Record<string, ShapesComponents["schemas"]["Colour"]> = read.colours;
      // @ts-expect-error set or unset
      const maybe: number = read.maybeUint32;
      return { ...read, wrappedInt64: wrapped, anInt64: long, aDouble: share, colours, maybeUint32: maybe };
    },
  ],
  // @ts-expect-error not a colour
  "an enum by the other of two names": [0, ({ shapes }) => shown(shapes.POST("/v1/shapes", { body: shapes === undefined ? { needed: "n", colour: "COLOUR_BLUE" } : { needed: "n", colour: "COLOUR_GRAY", colours: { a: "COLOUR_GRAY" } } }))],
  "presence in proto2": [0, ({ legacy }) => shown(legacy.POST("/v1/old", { body: { needed: "", times: 0, inner: {} } }))],
};
