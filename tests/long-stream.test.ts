/** A long stream to a caller that takes it as fast as it comes: others have their turns while it lasts, on every protocol. */
import { DocumentService } from "@parapet/contract/parapet/document/v1/document_service_pb";
import { routes } from "@parapet/contract/rest/routes";
import { afterAll, beforeAll, expect, it } from "vitest";
import { frame } from "../conformance/src/wire/envelope.js";
import { CredentialKind } from "../server/src/call.js";
import { createParapet, type Parapet } from "../server/src/parapet.js";
import { ADMIN, everyCollection } from "../server/src/policy/rights.js";

const messages = 400;
/** More than a stream holds back before it says that it is full. */
const contentMd = "x".repeat(20 * 1024);
/** Messages that may be asked for between two turns of the event loop. */
const runMax = 4;

let parapet: Parapet;
let port: number;
/** The most messages of one stream that were asked for with nobody's turn between them. */
let longestRun = 0;

beforeAll(async () => {
  parapet = createParapet({
    services: (router) =>
      router.service(DocumentService, {
        async *export() {
          let run = 0;
          let streaming = true;
          const turn = (): void => {
            run = 0;
            if (streaming) setImmediate(turn);
          };
          turn();
          try {
            for (let message = 0; message < messages; message++) {
              longestRun = Math.max(longestRun, ++run);
              yield { document: { key: String(message), contentMd } };
            }
          } finally {
            streaming = false;
          }
        },
      }),
    rest: routes,
    identity: { authenticate: () => Promise.reject(new Error("nobody signs in here")) },
    everybody: { principal: { id: "usr_1", name: "one", tenant: "t", admin: true, grants: new Map([[everyCollection, ADMIN]]) }, credential: { kind: CredentialKind.NONE, id: "" } },
    audit: { write: () => Promise.resolve() },
    limiter: null,
    tenant: "t",
  });
  port = await parapet.listen({ hosts: ["127.0.0.1"], port: 0 });
});
afterAll(() => parapet.close(1_000));

const rpc = "/parapet.document.v1.DocumentService/Export";
const json = Buffer.from('{"collection":"c"}');
it.each([
  ["REST in lines", "/v1/export", { "content-type": "application/json" }, json],
  ["REST in events", "/v1/export", { "content-type": "application/json", "accept": "text/event-stream" }, json],
  ["Connect", rpc, { "content-type": "application/connect+json" }, frame(json)],
  ["gRPC-Web", rpc, { "content-type": "application/grpc-web" }, frame(Uint8Array.of(10, 1, 99))],
  ["gRPC-Web as text", rpc, { "content-type": "application/grpc-web-text" }, Buffer.from(Buffer.from(frame(Uint8Array.of(10, 1, 99))).toString("base64"))],
] as const)("over %s", async (_what, path, headers, body) => {
  longestRun = 0;
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { method: "POST", headers, body });
  expect(response.status).toBe(200);
  expect((await response.arrayBuffer()).byteLength).toBeGreaterThan(messages * contentMd.length);
  expect(longestRun).toBeGreaterThan(0);
  expect(longestRun).toBeLessThanOrEqual(runMax);
});
