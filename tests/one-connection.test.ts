/** Callers that share a connection, as behind a proxy: what one of them may says nothing about the next, nor about itself later. */
import { Agent, request } from "node:http";
import { connect } from "node:http2";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { variants } from "../conformance/src/wire/wire.js";
import { openWorld, type World } from "./world.js";

const connectJson = variants.find(({ label }) => label === "connect-json/h1")!;
const path = "/v1/auth/me";
let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

/** Asks who it is, again and again over one connection: the name, or the reason why not. */
type Ask = (authorization: string | undefined) => Promise<string>;

const said = (body: string): string => {
  const answer = JSON.parse(body) as { username?: string; reason?: string };
  return answer.username ?? answer.reason ?? body;
};

function overHttp1(): { ask: Ask; close: () => void } {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ports = new Set<number | undefined>();
  return {
    async ask(authorization) {
      const sent = request({ port: world.port, host: "127.0.0.1", path, agent, headers: authorization === undefined ? {} : { authorization } }).end();
      const [response] = (await once(sent, "response")) as [import("node:http").IncomingMessage];
      ports.add(sent.socket?.localPort);
      expect(ports.size, "connections").toBe(1);
      return said(await text(response));
    },
    close: () => agent.destroy(),
  };
}

function overHttp2(): { ask: Ask; close: () => void } {
  const session = connect(`http://127.0.0.1:${world.port}`);
  return {
    ask: async (authorization) => said(await text(session.request({ ":path": path, ...(authorization === undefined ? {} : { authorization }) }))),
    close: () => session.close(),
  };
}

describe.each([
  ["HTTP/1.1", overHttp1],
  ["HTTP/2", overHttp2],
] as const)("over one connection of %s", (_name, open) => {
  test("each request is decided by its own credential", async () => {
    const users = [`ann-${_name.slice(5, 6)}`, `bob-${_name.slice(5, 6)}`];
    const [ann, bob] = await Promise.all(users.map(async (name) => `Bearer ${((await world.user(name, [])) as { bearer: string }).bearer}`));
    const { ask, close } = open();
    try {
      for (let round = 0; round < 3; round++) {
        expect(await ask(ann)).toBe(users[0]);
        expect(await ask(ann)).toBe(users[0]);
        expect(await ask(undefined)).toBe("CREDENTIAL_MISSING");
        expect(await ask(bob)).toBe(users[1]);
        expect(await ask(`${bob}x`)).toBe("TOKEN_INVALID");
        expect(await ask(bob)).toBe(users[1]);
      }
      // What the connection remembers is what was sent, never what was decided.
      await world.send(connectJson, "AuthService/DeleteUser", { username: users[1]! }, { credential: world.admin });
      expect(await ask(bob)).toBe("TOKEN_INVALID");
      expect(await ask(ann)).toBe(users[0]);
    } finally {
      close();
    }
  });
});
