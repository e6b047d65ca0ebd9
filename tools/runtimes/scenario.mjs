// A walk through the packed SDK with nothing but what every runtime has; gives what it saw, step by step.

import { createClient as createServiceClient } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { DocumentService } from "@parapet/contract/web/parapet/document/v1/document_service_pb";
import { Parapet, ParapetError } from "@parapet/sdk";
import { createTransport, paginate, result } from "@parapet/sdk/connect/web";
import { createLoggingHooks } from "@parapet/sdk/logging";
import { createPacedFetch } from "@parapet/sdk/pacing";
import { createRestClient, paginate as restPaginate, stream } from "@parapet/sdk/rest";
import { verifyWebhook } from "@parapet/sdk/webhooks";

/**
 * `url` is a server, `cutUrl` leads to it over connections that break, `silentUrl` to one that never answers. `name` makes the names of a walk unlike those of any other.
 * @param {{ url: string, cutUrl: string, silentUrl: string, password: string, name: string }} where
 */
export async function scenario({ url, cutUrl, silentUrl, password, name }) {
  const seen = [];
  const collection = `runtime-${name}`;
  const parapet = new Parapet({ baseUrl: url, fetch: createPacedFetch(), token: () => parapet.auth.login({ username: "admin", password }) });
  const { documents } = parapet;
  seen.push(`signed in as ${(await parapet.auth.getMe()).username}`);

  const batch = Array.from({ length: 40 }, (_, at) => ({ key: `k${at}`, contentMd: "ü".repeat(200) }));
  await documents.addBatch({ collection, documents: batch });
  seen.push(`added ${(await documents.get({ collection, key: "k7" })).document.contentMd === batch[7].contentMd ? "what was read again" : "something else"}`);
  const found = [];
  for await (const { key } of documents.search({ collection, sort: "key", asc: true, limit: 7 })) found.push(key);
  seen.push(`found ${new Set(found).size} of ${found.length} by page`);
  seen.push(`imported ${(await documents.import([{ collection, document: { key: "i1" } }, { document: { key: "i2" } }])).imported}`);

  const missing = await documents.get({ collection, key: "nothing" }).result();
  seen.push(`missing: ${missing.ok || (missing.error instanceof ParapetError && missing.error.reason)}`);
  const silent = new Parapet({ baseUrl: silentUrl, apiKey: "parapet_live_secret", timeoutMs: 300 });
  seen.push(`late: ${await reasonOf(silent.auth.getMe())}`);
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 50);
  seen.push(`left: ${await reasonOf(silent.auth.getMe({}, { signal: controller.signal, timeoutMs: 10_000 }))}`);
  seen.push(`nobody there: ${await reasonOf(new Parapet({ baseUrl: "http://127.0.0.1:9", retries: 0 }).system.getHealth())}`);

  const log = [];
  const apiKey = (await parapet.auth.createApiKey({ description: "runtime" })).key;
  const cut = { baseUrl: cutUrl, apiKey, retries: 20, retryBudget: { ratio: 20, burst: 100 }, backoff: { baseMs: 1, capMs: 5 }, hooks: createLoggingHooks((entry) => log.push(entry)) };
  const exported = [];
  for await (const { document } of new Parapet(cut).documents.export({ collection })) exported.push(document.key);
  seen.push(`exported ${new Set(exported).size} of ${exported.length} over ${log.length > 2 ? "several connections" : "one connection"}`);

  const before = log.length;
  const overGrpcWeb = createServiceClient(DocumentService, createTransport(cut, createGrpcWebTransport));
  const streamed = [];
  for await (const { document } of overGrpcWeb.export({ collection })) streamed.push(document.key);
  seen.push(`gRPC-Web: ${streamed.join() === exported.join() ? "the same" : `${streamed.length} others`} over ${log.length > before + 2 ? "several connections" : "one connection"}`);

  const between = log.length;
  const overRest = [];
  for await (const { key } of stream(createRestClient(cut), "post", "/v1/export", { body: { collection } })) overRest.push(key);
  seen.push(`REST: ${overRest.join() === exported.join() ? "the same" : `${overRest.length} others`} over ${log.length > between + 2 ? "several connections" : "one connection"}`);

  const listed = [[], []];
  const query = { collection, sort: "key", asc: true, limit: 7 };
  for await (const { key } of paginate(createServiceClient(DocumentService, createTransport({ baseUrl: url, apiKey }, createGrpcWebTransport)).search, query)) listed[0].push(key);
  for await (const { key } of restPaginate(createRestClient({ baseUrl: url, apiKey }), "post", "/v1/search", { body: query })) listed[1].push(key);
  seen.push(`listed by page over gRPC-Web and REST: ${listed.map(({ length }) => length).join(", ")}`);
  const nothing = await result(overGrpcWeb.get, { collection, key: "nothing" });
  seen.push(`missing over gRPC-Web: ${nothing.ok || `${nothing.error.reason} ${nothing.error.status}`}`);

  seen.push(`webhook: ${(await signedAndVerified("a text")).text}`);
  seen.push(`secrets in the log: ${JSON.stringify(log).includes(apiKey)}`);
  return seen;
}

async function reasonOf(call) {
  const result = await call.result();
  return result.ok ? "none" : result.error.reason;
}

async function signedAndVerified(body) {
  const secret = new Uint8Array(24).fill(7);
  const timestamp = String(Math.floor(Date.now() / 1000));
  const key = await crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const signature = new Uint8Array(await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(`msg_1.${timestamp}.${body}`)));
  const base64 = (bytes) => btoa(String.fromCharCode(...bytes));
  const headers = new Headers({ "webhook-id": "msg_1", "webhook-timestamp": timestamp, "webhook-signature": `v1,${base64(signature)}` });
  return verifyWebhook({ body, headers, secrets: [`whsec_${base64(secret)}`] });
}
