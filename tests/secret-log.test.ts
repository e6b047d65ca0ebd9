/** What a server logs at its most talkative of requests that hold a secret and cannot be read: never the secret. */
import { expect, it } from "vitest";
import { createApp } from "../server/src/app.js";
import { loadConfig } from "../server/src/config.js";
import { createLog } from "../server/src/log.js";
import { variantsOf, createCaller } from "./world.js";

const secret = "hunter2hunter2";
const number = 7_311_985_224;
/** Each is wrong in a way that a reader tells by quoting what it read. */
const bodies: Readonly<Record<string, string>> = {
  "a number for a password": `{"username":"u","password":${number}}`,
  "a list for a password": `{"username":"u","password":["${secret}"]}`,
  "a password without quotes": `{"password":${secret}}`,
  "a password and a comma too many": `{"password":"${secret}",,}`,
  "a password as a member's name": `{"username":{"${secret}":1}}`,
  "a password alone": secret,
};

it.each(["fast", "connect-es"] as const)("with unary calls by %s", async (unary) => {
  const lines: string[] = [];
  const { config } = loadConfig({ env: { PARAPET_ADDR: "127.0.0.1:0", PARAPET_STORE: "memory", PARAPET_AUTH_ADMIN_PASSWORD: "correct horse battery staple", PARAPET_RATE_LIMIT_ENABLED: "false", PARAPET_LOGIN_LIMIT_REQUESTS: "1000" }, directory: "/nonexistent" });
  const app = await createApp({ config, log: createLog("debug", (line) => lines.push(line)), unary });
  const caller = createCaller(await app.listen());
  try {
    for (const [what, body] of Object.entries(bodies)) {
      for (const variant of variantsOf("connect-json", "rest")) {
        const { code } = await caller.send(variant, "AuthService/Login", {}, {}, (encoded) => ({ ...encoded, body: Buffer.from(body) }));
        expect([what, variant.label, code]).toEqual([what, variant.label, "invalid_argument"]);
      }
    }
  } finally {
    caller.close();
    await app.close();
  }
  const refused = lines.filter((line) => line.includes('"call refused"'));
  expect(refused.length).toBeGreaterThan(0);
  for (const line of lines) expect(line).not.toMatch(new RegExp(`${secret.slice(0, 5)}|${number}`));
});
