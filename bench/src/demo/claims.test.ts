/** The demo fails where a server does not keep what it claims. */
import { describe, expect, it } from "vitest";
import type { Answer, Caller, SearchPage, SeenDocument } from "./callers.js";
import { ClaimError } from "./claims.js";
import type { CorpusDocument } from "./corpus.js";
import { importCorpus } from "./steps/import.js";
import { getAll, searchAll } from "./steps/read.js";
import { refuseAlike } from "./steps/refuse.js";
import type { DemoUser, World } from "./world.js";

const documents: readonly CorpusDocument[] = ["b", "a", "c"].map((key) => ({ key, lang: "en", meta: { license: ["MIT"] }, contentMd: `# ${key}` }));
const protocols = ["gRPC", "gRPC-Web", "Connect", "REST"];

function ok<T>(value: T): Answer<T> {
  return { ok: true, value };
}

function refused(code: string, reason: string): Answer<never> {
  return { ok: false, code, reason, requestId: "r1", retryAfterMs: reason === "RATE_LIMITED" ? 600 : undefined };
}

const anonymous = refused("unauthenticated", "CREDENTIAL_MISSING");
const forbidden = refused("permission_denied", "PERMISSION_MISSING");
const limited = refused("resource_exhausted", "RATE_LIMITED");

function seen({ meta, contentMd }: CorpusDocument): SeenDocument {
  return { meta, contentMd, revision: 1 };
}

/** A world whose server answers as it should, but for what a test changes over REST. */
function worldWith(overRest: { readonly librarian?: Partial<Caller>; readonly reader?: Partial<Caller>; readonly hasty?: Partial<Caller>; readonly anonymous?: Partial<Caller> } = {}): World {
  const get = (key: string): Promise<Answer<SeenDocument>> => Promise.resolve(ok(seen(documents.find((document) => document.key === key)!)));
  const page: SearchPage = { keys: ["a", "b", "c"], totalSize: 3, nextPageToken: "" };
  const callersOf = (base: Partial<Caller>, rest: Partial<Caller> = {}): readonly Caller[] =>
    protocols.map((protocol) => ({
      protocol,
      add: (document) => Promise.resolve(ok(seen(document))),
      get,
      search: () => Promise.resolve(ok(page)),
      close: () => undefined,
      ...base,
      ...(protocol === "REST" ? rest : {}),
    }));
  let budget = 150;
  const user = (username: string, base: Partial<Caller>, rest?: Partial<Caller>): DemoUser => ({ username, callers: callersOf(base, rest) });
  return {
    documents,
    librarian: user("librarian", {}, overRest.librarian),
    reader: user("reader", { add: () => Promise.resolve(forbidden) }, overRest.reader),
    hasty: user("hasty", { get: (key) => (budget-- > 0 ? get(key) : Promise.resolve(limited)) }, overRest.hasty),
    anonymous: callersOf({ get: () => Promise.resolve(anonymous) }, overRest.anonymous),
    say: () => undefined,
    progress: () => ({ step: () => undefined, end: () => undefined }),
    close: () => Promise.resolve(),
  } as Pick<World, "documents" | "librarian" | "reader" | "hasty" | "anonymous" | "say" | "progress" | "close"> as World;
}

describe("the demo", () => {
  it("holds for a server that keeps its claims", async () => {
    const world = worldWith();
    expect(await importCorpus(world)).toMatchObject([{ count: 3 }]);
    expect(await getAll(world)).toHaveLength(4);
    expect(await searchAll(world)).toHaveLength(4);
    const { noted, burst } = await refuseAlike(world);
    expect(noted).toHaveLength(8);
    expect(burst).toEqual({ admitted: 150, refused: 4 });
  });

  const answering = <T>(answer: Answer<T>) => ({ get: () => Promise.resolve(answer as Answer<SeenDocument>) });
  it.each<[string, Parameters<typeof worldWith>[0], (world: World) => Promise<unknown>]>([
    ["an import that is refused", { librarian: { add: () => Promise.resolve(limited) } }, async (world) => importCorpus({ ...world, documents: [...documents, ...documents] })],
    ["a document that replaced another", { librarian: { add: (document) => Promise.resolve(ok({ ...seen(document), revision: 2 })) } }, async (world) => importCorpus({ ...world, documents: [...documents, ...documents] })],
    ["a text that came back changed", { librarian: answering(ok({ ...seen(documents[0]!), contentMd: "# other" })) }, getAll],
    ["meta data that came back changed", { librarian: answering(ok({ ...seen(documents[0]!), meta: {} })) }, getAll],
    ["a search in another order", { librarian: { search: () => Promise.resolve(ok({ keys: ["b", "a", "c"], totalSize: 3, nextPageToken: "" })) } }, searchAll],
    ["a search with another total", { librarian: { search: () => Promise.resolve(ok({ keys: ["a", "b", "c"], totalSize: 4, nextPageToken: "" })) } }, searchAll],
    ["an anonymous call that is let in", { anonymous: answering(ok(seen(documents[0]!))) }, refuseAlike],
    ["an anonymous call refused for another reason", { anonymous: answering(refused("unauthenticated", "TOKEN_INVALID")) }, refuseAlike],
    ["a refusal with another code", { reader: { add: () => Promise.resolve(refused("unauthenticated", "PERMISSION_MISSING")) } }, refuseAlike],
    ["a refused write that changed something", { reader: answering(ok({ ...seen(documents[0]!), contentMd: "# Overwritten" })) }, refuseAlike],
    ["a budget of its own for one protocol", { hasty: { get: () => Promise.resolve(ok(seen(documents[0]!))) } }, refuseAlike],
    ["a burst that is cut short", { hasty: { get: () => Promise.resolve(limited) } }, refuseAlike],
    ["a refusal that does not say when to come back", { hasty: { get: () => Promise.resolve({ ...(limited as object), retryAfterMs: undefined } as Answer<never>) } }, refuseAlike],
  ])("ends with %s over one protocol", async (_name, overRest, step) => {
    await expect(step(worldWith(overRest))).rejects.toBeInstanceOf(ClaimError);
  });
});
