/** Calls that arrive together: asked about in one question, admitted each by itself, and not one of them uncounted. */
import { connect } from "node:net";
import { createMemoryLimiter, createParapet, CredentialKind, type Limiter, type Parapet, type ParapetOptions, READ, WRITE } from "@parapet/server";
import { afterEach, expect, it } from "vitest";
import { NotesService } from "../examples/bring-your-own/src/gen/acme/notes/v1/notes_service_pb.js";
import { routes } from "../examples/bring-your-own/src/gen/rest/routes.js";

let server: Parapet;
let handled = 0;
afterEach(async () => {
  await server.close(500);
  handled = 0;
});

const reader = { principal: { id: "usr_1", name: "reader", tenant: "default", admin: false, grants: new Map([["handbook", READ | WRITE]]) }, credential: { kind: CredentialKind.TOKEN, id: "t" } };

async function start(changes: Partial<ParapetOptions>): Promise<number> {
  server = createParapet({
    services: (router) =>
      router.service(NotesService, {
        getNote() {
          handled++;
          return { text: "A note." };
        },
      }),
    rest: routes,
    identity: { authenticate: ({ text }) => (text === "good" ? reader : Promise.resolve(reader)) },
    audit: { write: async () => undefined },
    ...changes,
  });
  return await server.listen({ hosts: ["127.0.0.1"], port: 0 });
}

/** Sends requests in one piece over one connection; resolves with all that is answered. */
function pipelined(port: number, tokens: readonly string[]): Promise<string> {
  const requests = tokens.map((token, index) => {
    const body = JSON.stringify({ book: "handbook", id: "1" });
    const last = index === tokens.length - 1 ? "connection: close\r\n" : "";
    return `POST /acme.notes.v1.NotesService/GetNote HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nauthorization: Bearer ${token}\r\n${last}content-length: ${body.length}\r\n\r\n${body}`;
  });
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(requests.join("")));
    socket.setEncoding("utf8").on("data", (chunk: string) => (text += chunk)).on("end", () => resolve(text)).on("error", reject);
  });
}

const statuses = (text: string): string[] => Array.from(text.matchAll(/HTTP\/1\.1 (\d+)/g), ([, status]) => status!);

function limiterThat(together: (work: () => void) => void): Limiter {
  const { spend } = createMemoryLimiter({ nowMs: () => performance.now() });
  return { spend, together };
}

const five = ["good", "good", "good", "good", "good"];

it("asks the limiter once for calls that arrived in one piece", async () => {
  let questions = 0;
  const port = await start({
    limiter: limiterThat((work) => {
      questions++;
      work();
    }),
  });
  const text = await pipelined(port, five);
  expect(statuses(text)).toEqual(["200", "200", "200", "200", "200"]);
  expect([questions, handled]).toEqual([1, 5]);
  const remaining = Array.from(text.matchAll(/x-ratelimit-remaining: (\d+)/g), ([, left]) => Number(left));
  expect(remaining.map((left) => remaining[0]! - left)).toEqual([0, 1, 2, 3, 4]);
});

it("refuses each of them by itself", async () => {
  const notes = { name: "notes", algorithm: 1, requests: 3, burst: 0, windowMs: 60_000 };
  const port = await start({ limiter: limiterThat((work) => work()), buckets: { notes } });
  expect(statuses(await pipelined(port, five))).toEqual(["200", "200", "200", "429", "429"]);
  expect(handled).toBe(3);
});

it("admits none of them if what they spent is not known to count", async () => {
  const port = await start({
    limiter: limiterThat((work) => {
      work();
      throw new Error("the commit failed");
    }),
  });
  const text = await pipelined(port, five);
  expect(statuses(text)).toEqual(["500", "500", "500", "500", "500"]);
  expect(text).not.toContain("ratelimit");
  expect(text).not.toContain("the commit failed");
  expect(handled).toBe(0);
});

it("admits none of them if it cannot be known what other processes changed", async () => {
  const port = await start({
    catchUp: () => {
      throw new Error("no store");
    },
  });
  expect(statuses(await pipelined(port, five))).toEqual(["500", "500", "500", "500", "500"]);
  expect(handled).toBe(0);
});

it("does not keep calls whose credential is known waiting for one that must be looked up", async () => {
  let questions = 0;
  const port = await start({
    limiter: limiterThat((work) => {
      questions++;
      work();
    }),
  });
  expect(statuses(await pipelined(port, ["unknown", "good", "good", "unknown", "good"]))).toEqual(["200", "200", "200", "200", "200"]);
  expect([questions, handled]).toEqual([1, 5]);
});
