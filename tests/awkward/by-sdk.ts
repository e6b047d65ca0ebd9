/** The cases, called through the generated TypeScript clients: what compiles here is what their users may write. */
import { Awkward as Legacy } from "../../sdk/generator/src/targets/typescript/golden/legacy/src/index.js";
import { Awkward as Names } from "../../sdk/generator/src/targets/typescript/golden/names/src/index.js";
import { Awkward as Routes, type Item, type LocateResponse, type View } from "../../sdk/generator/src/targets/typescript/golden/routes/src/index.js";
import { Awkward as Shapes, type Colour, type Shape } from "../../sdk/generator/src/targets/typescript/golden/shapes/src/index.js";
import { cases, type CaseName, shapeSent } from "./cases.js";

/** The clients of one server. */
export interface Clients {
  readonly routes: Routes["routes"];
  readonly shapes: Shapes["shapes"];
  readonly names: Names["object"];
  readonly legacy: Legacy["legacy"];
}

/** Makes them. */
export function clientsOf(baseUrl: string): Clients {
  return { routes: new Routes({ baseUrl }).routes, shapes: new Shapes({ baseUrl }).shapes, names: new Names({ baseUrl }).object, legacy: new Legacy({ baseUrl }).legacy };
}

async function listOf<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const message of stream) list.push(message);
  return list;
}

async function* stream<T>(...messages: readonly T[]): AsyncGenerator<T> {
  yield* messages;
}

const bytes = cases["HttpBody as a field of the request"].request.content.data;

/** A call for each case. */
export const bySdk: Readonly<Record<CaseName, (clients: Clients) => Promise<unknown>>> = {
  "a oneof beside a path parameter": async ({ routes }) => {
    const item: Item = await routes.patchItem({ id: "a/b:c", size: "9007199254740993", person: "p" });
    return item;
  },
  "a message in a oneof beside a path parameter": ({ routes }) => routes.patchItem({ id: "i", owner: {}, machine: "" }),
  "an additional binding on the same path": ({ routes }) => routes.readItem({ id: "i", owner: { name: "o" }, views: ["VIEW_FULL", "VIEW_UNSPECIFIED"], partsMax: 0, fields: "id,owner.name", history: true }),
  "repeated message types in query": ({ routes }) =>
    routes.findItems({
      tags: [{ name: "t" }],
      ages: ["1s", "-2.500s"],
      names: ["", "a&b=c"],
      ranks: ["0", "9223372036854775807"],
      view: "VIEW_BASIC",
      owner: { name: "o", note: "+ %" },
      labels: { a: "VIEW_FULL" },
      also: { ages: ["0s"] },
    }),
  "moments in query": ({ routes }) => routes.readItem({ id: "i", moments: ["2026-11-02T10:11:12Z", "0001-01-01T00:00:00Z"] }),
  "HttpBody as the response": async ({ routes }) => {
    const { contentType, data, extensions } = await routes.readFile({ path: "a/b c/%2F" });
    const text: string = data;
    return { contentType, data: text, extensions };
  },
  "HttpBody as a field of the request": ({ routes }) => routes.writeFile({ path: "a/b", content: { contentType: "text/csv; charset=latin1", data: bytes } }),
  "HttpBody as the request": ({ routes }) => routes.putBlob({ contentType: "application/json", data: "bm90IEpTT04=" }),
  "HttpBody as a part of the response": ({ routes }) => routes.render({ view: "VIEW_FULL", colour: "+/8=" }),
  "HttpBody as a stream that goes out": ({ routes }) => listOf(routes.download({ since: "2026-11-02T10:11:12Z" })),
  "HttpBody as a stream that comes in": ({ routes }) => routes.pour(stream({ contentType: "application/octet-stream", data: bytes })),
  "response_body of a message": ({ routes }) => routes.putOwner({ owner: { name: "owners/a b", note: "n" }, allowMissing: true }),
  "response_body of a list": async ({ routes }) => {
    const { names } = await routes.listNames({ parent: "projects/p 1/zones/z" });
    return { names: names.map((name: string) => name) };
  },
  "response_body of an empty list": ({ routes }) => routes.listNames({ parent: "projects/p/zones/z" }),
  "response_body of a number": async ({ routes }) => {
    const { count } = await routes.countAny();
    // @ts-expect-error 64 bits do not fit into a number
    const number: number = count;
    return { count: number };
  },
  "response_body of a map with enum values": async ({ routes }) => {
    const { views }: LocateResponse = await routes.locate({ rank: "-9223372036854775808", limit: 0 });
    // @ts-expect-error of a name that is not there, and of values that are not known yet
    const view: View = views["a"];
    return { views: { ...views, a: view } };
  },
  // @ts-expect-error of a oneof there is one
  "a member of a oneof in the path": ({ routes }) => (routes.locate.length > 9 ? routes.locate({ id: "7", rank: "7" }) : routes.locate({ id: "7", limit: 3 })),
  "response_body of a stream": ({ routes }) => listOf(routes.watch()),
  "a stream that comes in with a path": ({ routes }) => routes.upload(stream({ target: "t", item: { id: "i", owner: { name: "owners/a b", note: "é" } } }, { target: "t", item: {} })),
  "custom verbs": ({ routes }) => routes.archiveItem({ id: "a:archive" }),
  "a name that ends like a custom verb": ({ routes }) => routes.readItem({ id: "a:archive" }),
  "a body that is a list of messages": ({ routes }) => routes.tagItems({ tags: [{ name: "a" }, {}], replace: true }),
  "recursive messages": async ({ shapes }) => {
    const forest = await shapes.grow({ branches: [{ branches: [{ leaves: [{ colour: "COLOUR_GRAY" }] }, {}] }], forest: { trees: { oak: { branches: [{}] } } } });
    const inner: number | undefined = forest.trees["root"]?.branches[0]?.branches.length;
    return inner === 1 ? forest : inner;
  },
  "reserved words": ({ names }) => names.delete({ function: "f", constructor: "c", toString: "t", Proto: "p", line2: "l", if: "i", thing: { value: "v" } }),
  "a method that every object has": ({ names }) => names.constructor$({ constructor: "c", else: "" }),
  "wrappers, presence, enums with aliases, maps with enum values, and everything else in one message": async ({ shapes }) => {
    const read: Shape = await shapes.store(shapeSent);
    const wrapped: string | undefined = read.wrappedInt64;
    const maybe: number | undefined = read.maybeUint32;
    return { ...read, wrappedInt64: wrapped, maybeUint32: maybe };
  },
  "an enum by the other of two names": async ({ shapes }) => {
    const colour: Colour = "COLOUR_GRAY";
    return shapes.store({ needed: "n", colour, colours: { a: colour } });
  },
  "presence in proto2": ({ legacy }) => legacy.old({ needed: "", times: 0, inner: {} }),
};
