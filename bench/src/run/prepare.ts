/** Gives a fresh Parapet server the user and the documents that the bench calls with. */
import { randomBytes } from "node:crypto";
import { benchCollection } from "../load/document.js";
import type { ParapetServer } from "../process/parapet.js";
import { importDocuments } from "./import-documents.js";

/**
 * Registers a user that may read and write the bench's collection and is no admin, so that calls take the way of an
 * ordinary principal through the gate; adds the documents to get. Returns the value of its `Authorization` header.
 */
export async function prepareParapet(server: ParapetServer, documents: number, onProgress: (text: string) => void): Promise<string> {
  const username = "bench";
  const password = randomBytes(18).toString("base64url");
  const admin = await login(server, server.adminUser, server.adminPassword);
  await post(server, "/v1/auth/register", { username, password }, admin);
  await post(server, "/v1/auth/permissions", { username, collection: benchCollection, read: true, write: true, admin: false }, admin);
  const authorization = await login(server, username, password);
  await importDocuments({ url: server.url, authorization, documents, onProgress });
  return authorization;
}

async function login(server: ParapetServer, username: string, password: string): Promise<string> {
  const { token } = (await post(server, "/v1/auth/login", { username, password })) as { token: string };
  return `Bearer ${token}`;
}

async function post(server: ParapetServer, path: string, body: object, authorization?: string): Promise<unknown> {
  const response = await fetch(`${server.url}${path}`, {
    method: "POST",
    // A connection that is kept may be closed by the server just as a slow machine comes to use it again.
    headers: { connection: "close", "content-type": "application/json", ...(authorization === undefined ? {} : { authorization }) },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`POST ${path} was answered with ${response.status}: ${await response.text()}`);
  return response.json();
}
