/** Gives a fresh Parapet server the user and the documents that the bench calls with. */
import { randomBytes } from "node:crypto";
import { create, toJson } from "@bufbuild/protobuf";
import { AddRequestSchema } from "@parapet/contract/parapet/document/v1/document_service_pb";
import { benchCollection, sampleAdd } from "../load/document.js";
import { keyOf } from "../load/job.js";
import type { ParapetServer } from "../process/parapet.js";

/** Documents that `Get` reads in turn; their keys count from 0. */
export const documentsToGet = 1000;

const batchSize = 100;

/**
 * Registers a user that may read and write the bench's collection and is no admin, so that calls take the way of an
 * ordinary principal through the gate; adds the documents to get. Returns the value of its `Authorization` header.
 */
export async function prepareParapet(server: ParapetServer): Promise<string> {
  const username = "bench";
  const password = randomBytes(18).toString("base64url");
  const admin = await login(server, server.adminUser, server.adminPassword);
  await post(server, "/v1/auth/register", { username, password }, admin);
  await post(server, "/v1/auth/permissions", { username, collection: benchCollection, read: true, write: true, admin: false }, admin);
  const bench = await login(server, username, password);
  const { collection, key: _key, ...document } = toJson(AddRequestSchema, create(AddRequestSchema, sampleAdd())) as Record<string, unknown>;
  for (let from = 0; from < documentsToGet; from += batchSize) {
    const documents = Array.from({ length: batchSize }, (_, index) => ({ ...document, key: keyOf(from + index) }));
    await post(server, "/v1/add-batch", { collection, documents }, bench);
  }
  return bench;
}

async function login(server: ParapetServer, username: string, password: string): Promise<string> {
  const { token } = (await post(server, "/v1/auth/login", { username, password })) as { token: string };
  return `Bearer ${token}`;
}

async function post(server: ParapetServer, path: string, body: object, authorization?: string): Promise<unknown> {
  const response = await fetch(`${server.url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(authorization === undefined ? {} : { authorization }) },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`POST ${path} was answered with ${response.status}: ${await response.text()}`);
  return response.json();
}
