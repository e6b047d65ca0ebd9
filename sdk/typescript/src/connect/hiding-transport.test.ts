/** Secrets of responses are there, and do not print. */
import { inspect } from "node:util";
import { toJson } from "@bufbuild/protobuf";
import { createClient, createRouterTransport } from "@connectrpc/connect";
import { AuthService, LoginResponseSchema } from "@parapet/contract/parapet/auth/v1/auth_service_pb";
import { expect, it } from "vitest";
import { methods } from "../gen/methods.js";
import { createHidingTransport } from "./hiding-transport.js";

it("a token is in its message and not in what prints", async () => {
  const inner = createRouterTransport((router) => router.service(AuthService, { login: () => ({ token: "secret-token" }), getMe: () => ({ username: "a" }) }));
  const auth = createClient(AuthService, createHidingTransport(inner));
  const message = await auth.login({ username: "a", password: "p" });
  expect(message.token).toBe("secret-token");
  expect(toJson(LoginResponseSchema, message)).toMatchObject({ token: "secret-token" });
  expect(inspect(message, { depth: 9 })).not.toContain("secret-token");
  expect(inspect(await auth.getMe({}))).toContain("username");
});

it("no stream carries secrets: it would have to be wrapped as well", () => {
  const carrying = Object.entries(methods).filter(([, method]) => "secrets" in method);
  expect(carrying.length).toBeGreaterThan(0);
  expect(carrying.filter(([, { kind }]) => kind !== "unary")).toEqual([]);
});
