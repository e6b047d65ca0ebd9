/** Secrets of responses, however these come. */
import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { endFrame, frame } from "../test-support/fault-server.js";
import { list, login, upload, watch } from "../test-support/methods.js";
import { clientStream, createClient, hideSecrets, type Method, paged, serverStream, unary } from "./index.js";

const message = { id: "i", token: "hush", inner: [{ token: "hush" }] };
const secrets = ["token"];
const secret = <M extends Method>(method: M): M => ({ ...method, secrets });

function clientOf(body: BodyInit, type: string) {
  return createClient({ baseUrl: "http://server.example", fetch: () => Promise.resolve(new Response(body, { headers: { "content-type": type } })) });
}
const streaming = (...messages: readonly object[]) => clientOf(new Blob([...messages.map((each) => frame(each)), endFrame()] as BlobPart[]), "application/connect+json");
const plain = (body: object) => clientOf(JSON.stringify(body), "application/json");

async function all<T>(messages: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const each of messages) found.push(each);
  return found;
}

describe("a secret of a response", () => {
  it.each<[string, () => Promise<unknown[]>, unknown[]]>([
    ["a call", async () => [await unary(plain(message), secret(login), {}, {}, hideSecrets)], [message]],
    ["a stream", () => all(serverStream(streaming(message, { ...message, id: "j" }), secret(watch), {}, {}, hideSecrets)), [message, { ...message, id: "j" }]],
    ["a call that streams its requests", async () => [await clientStream(streaming(message), secret(upload), [{}], {}, hideSecrets)], [message]],
    ["a page", async () => [await paged(plain({ items: [message] }), secret(list), {}, {}, hideSecrets).page()], [{ items: [message] }]],
    ["a listing", () => all(paged(plain({ items: [message] }), secret(list), {}, {}, hideSecrets)), [message]],
  ])("of %s is there for the caller, and not printed", async (_, call, expected) => {
    const got = await call();
    expect(JSON.parse(JSON.stringify(got))).toEqual(expected);
    const printed = inspect(got, { depth: 9 });
    expect(printed).not.toContain("hush");
    expect(printed).toContain("[redacted]");
  });

  it("lies as deep as it may, and the call succeeds", async () => {
    const depth = 50_000;
    const text = `${'{"a":'.repeat(depth)}{"token":"hush"}${"}".repeat(depth)}`;
    const client = clientOf(text, "application/json");
    interface Nested {
      readonly a?: Nested;
    }
    let part: Nested = await unary<Nested, never>(client, secret(login), {}, {}, hideSecrets);
    while (part.a) part = part.a;
    expect(part).toEqual({ token: "hush" });
    expect(inspect(part)).not.toContain("hush");
  });

  it("is not printed with a part of its response, nor is what a secret is made of", async () => {
    const got = await unary<typeof parts, never>(plain(parts), { ...login, secrets: ["token", "login", "value"] }, {}, {}, hideSecrets);
    expect(got).toEqual(parts);
    for (const part of [got, got.inner, got.inner[0], got.byName, got.byName.a, got.login, got.login.by[0], got.odd]) {
      const printed = inspect(part, { depth: 9 });
      expect(printed).not.toContain("hush");
      expect(printed).toContain("[redacted]");
    }
    expect(inspect(got.inner[0])).toContain("'shown'");
    expect(JSON.stringify({ ...got })).toBe(JSON.stringify(parts));
  });
});

const parts = {
  inner: [{ id: "shown", token: "hush" }],
  byName: { a: { token: "hush", none: null } },
  login: { user: "hush", by: [{ password: "hush" }] },
  // Not a oneof of protobuf-es, though it looks like one.
  odd: { case: "id", value: "hush" },
};
