/** What broke other generators: a call for each, what must arrive, and what must come back. */
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";

/** A request over REST, and what its answer shows. */
export interface OverHttp {
  readonly verb: string;
  /** Path with query. */
  readonly target: string;
  readonly body?: JsonValue | Raw;
  /** JSON, lines of JSON as a list of them, or raw bytes. Default: the response with its defaults. */
  readonly shows?: JsonValue | Raw;
  /** What arrives, where it is not the request of the case: a GET cannot carry everything. */
  readonly arrives?: JsonObject;
}

/** Bytes that are no JSON. */
export interface Raw {
  readonly contentType: string;
  readonly base64: string;
}

/** One case. */
export interface Case {
  /** `package.Service/Method`. */
  readonly method: string;
  /** One message, or those of a stream, as ProtoJSON. */
  readonly request: JsonObject | readonly JsonObject[];
  readonly response: JsonObject | readonly JsonObject[];
  /** The response as JSON with its defaults: what a JSON client reads. Default: the response itself. */
  readonly reads?: JsonObject | readonly JsonObject[];
  readonly http: readonly OverHttp[];
}

const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)).toString("base64");
const picture: Raw = { contentType: "image/png", base64: bytes };
const longs = { most: "9223372036854775807", least: "-9223372036854775808", natural: "18446744073709551615" } as const;
const routes = (name: string): string => `awkward.v1.RoutesService/${name}`;
const shapes = (name: string): string => `awkward.v1.ShapesService/${name}`;

const owner = { name: "owners/a b", note: "é" };
const item = { id: "i", owner };

/** A shape with something in every field. */
export const shape = {
  aDouble: "-Infinity",
  aFloat: 1.5,
  anInt32: -2_147_483_648,
  anInt64: longs.least,
  aUint32: 4_294_967_295,
  aUint64: longs.natural,
  aSfixed64: "9007199254740993",
  aBool: true,
  aString: "ü 😀 \"\\ \u0000",
  someBytes: "+/8=",
  maybeUint32: 0,
  wrappedInt64: "0",
  wrappedBool: false,
  strings: ["", "a"],
  colours: { red: "COLOUR_RED", "": "COLOUR_GREY", none: "COLOUR_UNSPECIFIED" },
  shapes: { [longs.least]: { needed: "deep", shapes: { "0": { needed: "deeper" } } } },
  words: { true: "yes", false: "no" },
  moment: "2026-11-02T10:11:12.123456789Z",
  duration: "-1.500s",
  any: { "@type": "type.googleapis.com/google.protobuf.Duration", value: "3s" },
  struct: { a: [null, true, 1.5, { b: "c" }] },
  value: ["x", null],
  list: [1, "two", [3]],
  nothing: null,
  colour: "COLOUR_GREY",
  etag: "e",
  needed: "n",
  old: "o",
} as const satisfies JsonObject;

/** What a shape holds of itself. */
const empty = { aDouble: 0, aFloat: 0, anInt32: 0, anInt64: "0", aUint32: 0, aUint64: "0", aSfixed64: "0", aBool: false, aString: "", someBytes: "", strings: [], colours: {}, shapes: {}, words: {}, nothing: null, colour: "COLOUR_UNSPECIFIED", etag: "", secret: "", needed: "", old: "" };
const { shapes: _, ...flat } = shape;
/** What may be sent of it: the etag is the server's. */
export const shapeSent = (({ etag: _etag, ...sent }) => ({ ...sent, secret: "s" }))(shape);
const shapeRead: JsonObject = { ...empty, ...flat, shapes: { [longs.least]: { ...empty, needed: "deep", shapes: { "0": { ...empty, needed: "deeper" } } } } };

const tree = { branches: [{ branches: [{ leaves: [{ colour: "COLOUR_GRAY" }] }, {}] }], forest: { trees: { oak: { branches: [{}] } } } };
const grown = { trees: { root: { branches: [{ branches: [{}] }], leaves: [{ colour: "COLOUR_RED" }], forest: { trees: { inner: {} } } } } };
const grownRead = { trees: { root: { branches: [{ branches: [{ branches: [], leaves: [] }], leaves: [] }], leaves: [{ colour: "COLOUR_RED" }], forest: { trees: { inner: { branches: [], leaves: [] } } } } } };

const class_ = { function: "f", constructor: "c", toString: "t", Proto: "p", line2: "l", if: "i", thing: { value: "v" } };

/** By name; the words are those of whom it broke. */
export const cases = {
  "a oneof beside a path parameter": {
    method: routes("PatchItem"),
    request: { id: "a/b:c", size: "9007199254740993", person: "p" },
    response: item,
    http: [
      { verb: "PATCH", target: "/v1/items/a%2Fb%3Ac", body: { size: "9007199254740993", person: "p" } },
      { verb: "PATCH", target: "/v1/items/a%2Fb%3Ac", body: { id: "another", size: "9007199254740993", person: "p", name: null } },
    ],
  },
  "a message in a oneof beside a path parameter": {
    method: routes("PatchItem"),
    request: { id: "i", owner: {}, machine: "" },
    response: {},
    reads: { id: "" },
    http: [{ verb: "PATCH", target: "/v1/items/i", body: { owner: {}, machine: "" } }],
  },
  "an additional binding on the same path": {
    method: routes("ReadItem"),
    request: { id: "i", owner: { name: "o" }, views: ["VIEW_FULL", "VIEW_UNSPECIFIED"], partsMax: 0, fields: "id,owner.name", history: true },
    response: { item },
    http: [
      { verb: "GET", target: "/v1/items/i?owner.name=o&views=VIEW_FULL&views=VIEW_UNSPECIFIED&partsMax=0&fields=id%2Cowner.name&history=true", shows: item },
      { verb: "POST", target: "/v1/items/i", body: { owner: { name: "o" }, views: ["VIEW_FULL", 0], partsMax: 0, fields: "id,owner.name", history: true }, shows: item },
      { verb: "GET", target: "/v1/owners/o/items/i?views=VIEW_FULL&views=VIEW_UNSPECIFIED&parts_max=0&fields=id,owner.name&with_history=true" },
    ],
  },
  "repeated message types in query": {
    method: routes("FindItems"),
    request: { tags: [{ name: "t" }], ages: ["1s", "-2.500s"], names: ["", "a&b=c"], ranks: ["0", longs.most], view: "VIEW_BASIC", owner: { name: "o", note: "+ %" }, labels: { a: "VIEW_FULL" }, also: { ages: ["0s"] } },
    response: { items: [item, { id: "j" }] },
    http: [
      {
        verb: "GET",
        target: `/v1/items:find?ages=1s&ages=-2.5s&names=&names=a%26b%3Dc&ranks=0&ranks=${longs.most}&view=1&owner.name=o&owner.note=%2B+%25`,
        arrives: { ages: ["1s", "-2.500s"], names: ["", "a&b=c"], ranks: ["0", longs.most], view: "VIEW_BASIC", owner: { name: "o", note: "+ %" } },
        shows: [item, { id: "j" }],
      },
      {
        verb: "POST",
        target: "/v1/items:find",
        body: { tags: [{ name: "t" }], ages: ["1s", "-2.5s"], names: ["", "a&b=c"], ranks: [0, longs.most], view: "VIEW_BASIC", owner: { name: "o", note: "+ %" }, labels: { a: 2 }, also: { ages: ["0s"] } },
        shows: [item, { id: "j" }],
      },
    ],
  },
  "moments in query": {
    method: routes("ReadItem"),
    request: { id: "i", moments: ["2026-11-02T10:11:12Z", "0001-01-01T00:00:00Z"] },
    response: {},
    http: [{ verb: "GET", target: "/v1/items/i?moments=2026-11-02T11:11:12%2B01:00&moments=0001-01-01T00:00:00Z", shows: null }],
  },
  "HttpBody as the response": {
    method: routes("ReadFile"),
    request: { path: "a/b c/%2F" },
    response: { contentType: picture.contentType, data: picture.base64 },
    reads: { contentType: picture.contentType, data: picture.base64, extensions: [] },
    http: [{ verb: "GET", target: "/v1/files/a/b%20c/%252F", shows: picture }],
  },
  "HttpBody as a field of the request": {
    method: routes("WriteFile"),
    request: { path: "a/b", content: { contentType: "text/csv; charset=latin1", data: bytes } },
    response: {},
    http: [{ verb: "POST", target: "/v1/files/a/b:write", body: { contentType: "text/csv; charset=latin1", base64: bytes } }],
  },
  "HttpBody as the request": {
    method: routes("PutBlob"),
    request: { contentType: "application/json", data: Buffer.from("not JSON").toString("base64") },
    response: { size: longs.natural },
    http: [{ verb: "PUT", target: "/v1/blob", body: { contentType: "application/json", base64: Buffer.from("not JSON").toString("base64") } }],
  },
  "HttpBody as a part of the response": {
    method: routes("Render"),
    request: { view: "VIEW_FULL", colour: "+/8=" },
    response: { image: { contentType: picture.contentType, data: bytes }, title: "t" },
    reads: { image: { contentType: picture.contentType, data: bytes, extensions: [] }, title: "t" },
    http: [
      { verb: "GET", target: "/v1/render/VIEW_FULL?colour=%2B%2F8%3D", shows: picture },
      { verb: "GET", target: "/v1/render/2?colour=-_8", shows: picture },
    ],
  },
  "HttpBody as a stream that goes out": {
    method: routes("Download"),
    request: { since: "2026-11-02T10:11:12Z" },
    response: [{ contentType: "text/plain", data: "YQ==" }, { data: "Yg==" }],
    reads: [{ contentType: "text/plain", data: "YQ==", extensions: [] }, { contentType: "", data: "Yg==", extensions: [] }],
    http: [{ verb: "GET", target: "/v1/download?since=2026-11-02T10:11:12Z", shows: { contentType: "text/plain", base64: Buffer.from("ab").toString("base64") } }],
  },
  "HttpBody as a stream that comes in": {
    method: routes("Pour"),
    request: [{ contentType: "application/octet-stream", data: bytes }],
    response: { size: "256" },
    http: [{ verb: "POST", target: "/v1/blob:pour", body: { contentType: "application/octet-stream", base64: bytes } }],
  },
  "response_body of a message": {
    method: routes("PutOwner"),
    request: { owner: { name: "owners/a b", note: "n" }, allowMissing: true },
    response: owner,
    http: [{ verb: "PUT", target: "/v1/owners/a%20b?allowMissing=true", body: { note: "n", name: "another" } }],
  },
  "response_body of a list": {
    method: routes("ListNames"),
    request: { parent: "projects/p 1/zones/z" },
    response: { names: ["a", ""] },
    http: [{ verb: "GET", target: "/v1/projects/p%201/zones/z/names", shows: ["a", ""] }],
  },
  "response_body of an empty list": {
    method: routes("ListNames"),
    request: { parent: "projects/p/zones/z" },
    response: {},
    reads: { names: [] },
    http: [{ verb: "GET", target: "/v1/projects/p/zones/z/names", shows: [] }],
  },
  "response_body of a number": {
    method: routes("CountAny"),
    request: {},
    response: { count: longs.natural },
    http: [{ verb: "GET", target: "/v1/count/anything", shows: longs.natural }],
  },
  "response_body of a map with enum values": {
    method: routes("Locate"),
    request: { rank: longs.least, limit: 0 },
    response: { views: { a: "VIEW_FULL", "": "VIEW_UNSPECIFIED" } },
    http: [{ verb: "GET", target: `/v1/places/rank/${longs.least}?limit=0`, shows: { a: "VIEW_FULL", "": "VIEW_UNSPECIFIED" } }],
  },
  "a member of a oneof in the path": {
    method: routes("Locate"),
    request: { id: "7", limit: 3 },
    response: {},
    reads: { views: {} },
    http: [
      { verb: "GET", target: "/v1/places/id/7?limit=3", shows: {} },
      { verb: "POST", target: "/v1/places/id/7", body: { limit: 3, rank: null }, shows: {} },
    ],
  },
  "response_body of a stream": {
    method: routes("Watch"),
    request: {},
    response: [{ item }, {}, { item: { id: "j" } }],
    reads: [{ item, at: "" }, { at: "" }, { item: { id: "j" }, at: "" }],
    http: [{ verb: "GET", target: "/v1/watch", shows: [item, null, { id: "j" }] }],
  },
  "a stream that comes in with a path": {
    method: routes("Upload"),
    request: [{ target: "t", item }, { target: "t", item: {} }],
    response: { parts: 2 },
    http: [{ verb: "POST", target: "/v1/upload/t", body: [item, {}] }],
  },
  "custom verbs": {
    method: routes("ArchiveItem"),
    request: { id: "a:archive" },
    response: {},
    http: [{ verb: "POST", target: "/v1/items/a%3Aarchive:archive", body: {} }],
  },
  "a name that ends like a custom verb": {
    method: routes("ReadItem"),
    request: { id: "a:archive" },
    response: { item: {} },
    reads: { item: { id: "" } },
    http: [{ verb: "POST", target: "/v1/items/a%3Aarchive", body: {}, shows: { id: "" } }],
  },
  "a body that is a list of messages": {
    method: routes("TagItems"),
    request: { tags: [{ name: "a" }, {}], replace: true },
    response: {},
    http: [{ verb: "POST", target: "/v1/tags?replace=true", body: [{ name: "a" }, {}] }],
  },
  "recursive messages": {
    method: shapes("Grow"),
    request: tree,
    response: grown,
    reads: grownRead,
    http: [{ verb: "POST", target: "/v1/trees", body: tree }],
  },
  "reserved words": {
    method: "awkward.v1.Object/Delete",
    request: class_,
    response: { text: "t" },
    http: [{ verb: "POST", target: "/v1/delete", body: class_ }],
  },
  "a method that every object has": {
    method: "awkward.v1.Object/constructor",
    request: { constructor: "c", else: "" },
    response: {},
    reads: { text: "" },
    http: [{ verb: "POST", target: "/v1/constructor", body: { constructor: "c", else: "" } }],
  },
  "wrappers, presence, enums with aliases, maps with enum values, and everything else in one message": {
    method: shapes("Store"),
    request: shapeSent,
    response: shape,
    reads: shapeRead,
    http: [{ verb: "POST", target: "/v1/shapes", body: shapeSent }],
  },
  "an enum by the other of two names": {
    method: shapes("Store"),
    request: { needed: "n", colour: "COLOUR_GRAY", colours: { a: "COLOUR_GRAY" } },
    response: { colour: "COLOUR_GRAY" },
    reads: { ...empty, colour: "COLOUR_GREY" },
    http: [{ verb: "POST", target: "/v1/shapes", body: { needed: "n", colour: 2, colours: { a: 2 } } }],
  },
  "presence in proto2": {
    method: "awkward.v1.LegacyService/Old",
    request: { needed: "", times: 0, inner: {} },
    response: { done: "" },
    http: [{ verb: "POST", target: "/v1/old", body: { needed: "", times: 0, inner: {} } }],
  },
} as const satisfies Record<string, Case>;

/** Name of a case. */
export type CaseName = keyof typeof cases;
