// Tests that a large contract comes out the same from the command, which takes a second thread for it, and from one thread.
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { defaultChoices, generate } from "../generate.js";
import { loadPolicyFile } from "../policy-file/load.js";
import { protoHead, rpcOf } from "../testing/contracts.js";
import { writeLargeContract } from "../testing/large-contract.js";

const bin = fileURLToPath(new URL("../../bin/parapet-generate.js", import.meta.url));
const run = promisify(execFile);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "parapet-threads-"));
  await writeLargeContract(join(folder, "protos"), 11, 20);
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe.runIf(availableParallelism() > 1)("a contract of 220 methods", () => {
  it("gives the same files on two threads as on one", async () => {
    const protos = join(folder, "protos");
    const { stdout } = await run(process.execPath, [bin, "--proto", protos, "--out", join(folder, "out")]);
    const { files } = await generate(protos, defaultChoices);
    expect(stdout).toContain(`220 methods, ${files.length} files`);
    expect(files.find(({ path }) => path === "docs/webhooks.md")?.content).toContain('"type": "thing10.changed"');
    for (const { path, content } of files) expect(await readFile(join(folder, "out", path), "utf8"), path).toBe(content);
  });

  it("gives them with a policy file, which both threads read", async () => {
    const [protos, out, policy] = [join(folder, "protos"), join(folder, "annotated"), join(folder, "policy.yaml")];
    await writeFile(policy, "fields:\n  big.v1.GetThing0Part0Request.id: {personal: true}\n  big.v1.PutThing9Part19Request.id: {personal: true}\n");
    await run(process.execPath, [bin, "--proto", protos, "--policy", policy, "--out", out, "--target", "docs", "--target", "openapi", "--target", "contract"]);
    const choices = defaultChoices.filter(({ target }) => ["docs", "openapi", "contract"].includes(target.name));
    const { files } = await generate(protos, choices, { policy: await loadPolicyFile(policy) });
    for (const { path, content } of files) expect(await readFile(join(out, path), "utf8"), path).toBe(content);
    expect(files.filter(({ content }) => content.includes("Personal: sealed")).map(({ path }) => path)).toEqual(["docs/thing0-service.md", "docs/thing9-service.md"]);
  });

  it("names a rule that cannot be evaluated, whichever thread meets it", async () => {
    const protos = join(folder, "protos");
    const faulty = join(protos, "big/v1/faulty.proto");
    const rpcs = Array.from({ length: 20 }, (_, at) => rpcOf(`Get${at}(Faulty) returns (Faulty)`, `get: "/v1/faulty/${at}"`));
    await writeFile(faulty, `${protoHead("big.v1", "buf/validate/validate.proto").replace(/^option .*\n/m, "")}service FaultyService {\n${rpcs.join("")}}\nmessage Faulty { string a = 1 [(buf.validate.field).string.pattern = "("]; }\n`);
    const failed = await run(process.execPath, [bin, "--proto", protos, "--out", join(folder, "none")]).catch((error: { code: number; stdout: string; stderr: string }) => error);
    await rm(faulty);
    expect(failed).toMatchObject({ code: 1, stdout: "", stderr: expect.stringMatching(/^big\/v1\/faulty\.proto:\d+:18: a rule of big\.v1\.Faulty\.a cannot be evaluated: error parsing regexp: .* \(rule-invalid\)\nparapet-generate: 1 problem\n$/) });
  });

  it("says what a target on the second thread cannot express", async () => {
    const protos = join(folder, "protos");
    await writeFile(join(protos, "big/v1/clash.proto"), clash);
    const failed = await run(process.execPath, [bin, "--proto", protos, "--out", join(folder, "none")]).catch((error: { code: number; stdout: string; stderr: string }) => error);
    expect(failed).toMatchObject({ code: 1, stdout: "" });
    expect(failed.stderr).toBe(
      'big.v1.ClashService/GetClash (GET /v1/clash/a/b): its operationId "ClashService_GetClash_getV1ClashAB" is that of big.v1.ClashService/GetClash (GET /v1/clash/a-b) already (name-clash)\nparapet-generate: 1 problem\n',
    );
    await expect(readdir(join(folder, "none"))).rejects.toThrow("ENOENT");
  });
});

/** Two bindings whose operations get one id. */
const clash = `// A clash.
syntax = "proto3";
package big.v1;
import "google/api/annotations.proto";
import "parapet/policy/v1/policy.proto";
// Clashes.
service ClashService {
  // Reads it.
  rpc GetClash(GetClashRequest) returns (GetClashResponse) {
    option idempotency_level = NO_SIDE_EFFECTS;
    option (google.api.http) = {get: "/v1/clash" additional_bindings {get: "/v1/clash/a-b"} additional_bindings {get: "/v1/clash/a/b"}};
    option (parapet.policy.v1.method) = {
      access: {authenticated: {}}
      limit: {bucket: "api"}
      audit: {action: "clash.read", resource: "clash", level: AUDIT_LEVEL_METADATA}
    };
  }
}
// Nothing.
message GetClashRequest {}
// Nothing.
message GetClashResponse {}
`;
