/** The contract profile of the suite on somebody else's contract: green on a server that keeps it, red on servers that do not. */
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { create } from "@bufbuild/protobuf";
import { AuditLevel, type MethodPolicy, MethodPolicySchema, Right } from "@parapet/contract/parapet/policy/v1/policy_pb";
import { main } from "@parapet/conformance";
import { generate, targets } from "@parapet/generator";
import { createParapet, openCredentialsFile, type ParapetOptions } from "@parapet/server";
import { Code, ConnectError } from "@connectrpc/connect";
import { randomBytes } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { NotesService } from "../examples/bring-your-own/src/gen/acme/notes/v1/notes_service_pb.js";
import { routes } from "../examples/bring-your-own/src/gen/rest/routes.js";
import { developmentCredentials } from "../sdk/generator/src/init/credentials.js";

const folder = mkdtempSync(join(tmpdir(), "parapet-contract-profile-"));
const path = (name: string): string => join(folder, name);

beforeAll(async () => {
  const target = targets.find(({ name }) => name === "conformance-contract")!;
  const { files } = await generate(fileURLToPath(new URL("../examples/bring-your-own/proto", import.meta.url)), [{ target, folder: ".", options: {} }]);
  writeFileSync(path("contract.json"), files[0]!.content);
  const { credentials, tokens } = developmentCredentials("handbook", randomBytes);
  writeFileSync(path("credentials.json"), credentials.content);
  writeFileSync(path("tokens.json"), tokens.content);
});

class Sink extends Writable {
  text = "";
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

async function judge(changes: Partial<ParapetOptions>, ...more: string[]): Promise<{ code: number; outcomes: Record<string, string>; said: string }> {
  const server = createParapet({
    services: (router) =>
      router.service(NotesService, {
        getNote: ({ id }) => {
          if (id === "absent") throw new ConnectError("no such note", Code.NotFound);
          return { text: "A note." };
        },
        createNote: () => ({ id: "1" }),
      }),
    rest: routes,
    identity: openCredentialsFile({ path: path("credentials.json") }),
    audit: { write: async () => undefined },
    ...changes,
  });
  const port = await server.listen({ hosts: ["127.0.0.1"], port: 0 });
  const [stdout, stderr] = [new Sink(), new Sink()];
  try {
    const argv = ["run", "--profile", "contract", "--target", `http://127.0.0.1:${port}`, "--contract", path("contract.json"), "--credentials", path("tokens.json"), "--report", "jsonl", "--out", path("report.jsonl"), ...more];
    const code = await main({ argv, env: {}, stdout, stderr, now: Date.now, newSeed: () => 1 });
    const lines = readFileSync(path("report.jsonl"), "utf8").trim().split("\n").map((line) => JSON.parse(line) as { id?: string; outcome: string });
    const outcomes: Record<string, string> = {};
    for (const { id, outcome } of lines) if (id !== undefined && (outcomes[id] === undefined || outcomes[id] === "PASS")) outcomes[id] = outcome;
    return { code, outcomes, said: stdout.text + stderr.text };
  } finally {
    await server.close(500);
  }
}

function policy(access: MethodPolicy["access"]): MethodPolicy {
  return create(MethodPolicySchema, { access, limit: { kind: { case: "bucket", value: "notes" } }, audit: { action: "note.get", resource: "notes", level: AuditLevel.NONE } });
}
const accessOf = (rule: Parameters<typeof create<typeof MethodPolicySchema>>[1]) => create(MethodPolicySchema, rule).access;

describe("the contract profile", () => {
  it("passes a server that keeps its contract", async () => {
    const { code, outcomes, said } = await judge({});
    expect({ code, said: code === 0 ? "" : said }).toEqual({ code: 0, said: "" });
    expect(outcomes).toEqual({
      "AN-01": "PASS", "AN-02": "PASS", "AN-05": "PASS", "AZ-02": "PASS", "ER-01": "PASS", "ER-02": "PASS", "ER-03": "PASS", "RL-09": "PASS", "RL-10": "PASS", "RL-13": "PASS",
      // This contract has no rule that a request could break.
      "AZ-08": "NOT-CLAIMED",
    });
    const { roles } = JSON.parse(readFileSync(path("tokens.json"), "utf8")) as { roles: Record<string, string[]> };
    expect(Object.values(roles).flat().filter((token) => said.includes(token))).toEqual([]);
  });

  const getNote = "acme.notes.v1.NotesService/GetNote";
  const quick = ["--protocol", "grpc/h2,rest/h1"];
  const mutants: [what: string, changes: Partial<ParapetOptions>, caught: readonly string[]][] = [
    ["lets anybody read", { overlay: { [getNote]: policy(accessOf({ access: { rule: { case: "public", value: {} } } })) } }, ["AN-01", "AZ-02"]],
    ["lets any principal read", { overlay: { [getNote]: policy(accessOf({ access: { rule: { case: "authenticated", value: {} } } })) } }, ["AZ-02"]],
    ["lets only admins read", { overlay: { [getNote]: policy(accessOf({ access: { rule: { case: "permission", value: { right: Right.ADMIN, resourceField: "book" } } } })) } }, ["AZ-02"]],
    ["counts nothing", { limiter: null }, ["RL-09"]],
    ["counts by other numbers", { buckets: { notes: { name: "notes", algorithm: 1, requests: 61, burst: 20, windowMs: 60_000 } } }, ["RL-13"]],
  ];
  it.each(mutants)("catches a server that %s", async (_, changes, caught) => {
    const { outcomes } = await judge(changes, ...quick);
    expect(caught.map((id) => [id, ["FAIL", "WARN"].includes(outcomes[id] ?? "")])).toEqual(caught.map((id) => [id, true]));
  });

  it("names what is missing before it calls anything", async () => {
    const [stdout, stderr] = [new Sink(), new Sink()];
    const code = await main({ argv: ["run", "--profile", "contract", "--target", "http://127.0.0.1:1", "--credentials", path("contract.json")], env: {}, stdout, stderr, now: Date.now, newSeed: () => 1 });
    expect(code).toBe(64);
    expect(stderr.text).toContain("--contract is missing");
    expect(stderr.text).toContain('--credentials: the credentials file needs "resource"');
  });
});
