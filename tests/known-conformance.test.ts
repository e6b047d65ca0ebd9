/** The contract profile of the suite on methods whose whole requests and responses are messages of google.protobuf. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { type DescMethod, fromJson, type JsonValue } from "@bufbuild/protobuf";
import { main } from "@parapet/conformance";
import { createParapet, openCredentialsFile } from "@parapet/server";
import { expect, it } from "vitest";
import { buildModel } from "../sdk/generator/src/build/build-model.js";
import { developmentCredentials } from "../sdk/generator/src/init/credentials.js";
import { conformanceContractTarget } from "../sdk/generator/src/targets/conformance-contract/emit.js";
import { routes } from "../sdk/generator/src/targets/rest/golden/known.js";
import { imageOfFile } from "../sdk/generator/src/testing/contracts.js";

class Sink extends Writable {
  text = "";
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

it("passes a server that answers its examples", async () => {
  const image = await imageOfFile("awkward", "known.proto");
  const model = buildModel(image);
  const folder = mkdtempSync(join(tmpdir(), "parapet-known-"));
  const write = (name: string, content: string): string => {
    writeFileSync(join(folder, name), content, { mode: 0o600 });
    return join(folder, name);
  };
  const contract = write("contract.json", conformanceContractTarget.emit(model, {}, image)[0]!.content);
  const { credentials, tokens } = developmentCredentials("any", randomBytes);
  const tokensFile = write("tokens.json", tokens.content);

  const [known] = model.services;
  const service = image.registry.getService(known!.fullName)!;
  const handlers = Object.fromEntries(
    service.methods.map((method: DescMethod) => {
      const { response } = known!.methods.find(({ name }) => name === method.name)!.examples;
      const answer = () => fromJson(method.output, response as JsonValue, { registry: image.registry });
      const drained = async (requests: AsyncIterable<unknown>) => {
        for await (const _ of requests);
        return answer();
      };
      const table: Partial<Record<DescMethod["methodKind"], unknown>> = { unary: answer, client_streaming: drained, server_streaming: async function* () { yield answer(); } };
      return [method.localName, table[method.methodKind]];
    }),
  );
  const server = createParapet({
    services: (router) => router.service(service, handlers),
    rest: routes,
    identity: openCredentialsFile({ path: write("credentials.json", credentials.content) }),
    audit: { write: async () => undefined },
    buckets: Object.fromEntries(model.buckets.map(({ name, requests, burst, windowMs }) => [name, { name, algorithm: 1, requests, burst, windowMs }])),
  });
  const port = await server.listen({ hosts: ["127.0.0.1"], port: 0 });
  const [stdout, stderr] = [new Sink(), new Sink()];
  try {
    const report = join(folder, "report.jsonl");
    const code = await main({ argv: ["run", "--profile", "contract", "--target", `http://127.0.0.1:${port}`, "--contract", contract, "--credentials", tokensFile, "--report", "jsonl", "--out", report, "--protocol", "grpc/h2,grpc-web/h1,connect-json/h1,rest/h1"], env: {}, stdout, stderr, now: Date.now, newSeed: () => 1 });
    const lines = readFileSync(report, "utf8").trim().split("\n").map((line) => JSON.parse(line) as { id?: string; outcome: string; detail?: string });
    expect(lines.filter(({ outcome }) => ["FAIL", "WARN", "ERROR"].includes(outcome))).toEqual([]);
    expect({ code, said: code === 0 ? "" : stdout.text + stderr.text }).toEqual({ code: 0, said: "" });
    expect(lines.filter(({ outcome }) => outcome === "PASS").length).toBeGreaterThan(20);
  } finally {
    await server.close(500);
  }
});
