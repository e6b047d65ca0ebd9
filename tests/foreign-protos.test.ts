/** Contracts that are not ours: everything is generated from them with a policy file, compiles, and the server keeps the contract. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { contracts, policyOf } from "../tools/foreign-protos/contracts.mjs";
import { createProject } from "../tools/foreign-protos/project.mjs";

const timeoutMs = 180_000;

let project: ReturnType<typeof createProject> | undefined;
afterEach(() => project?.remove());

describe("protos of others", { timeout: timeoutMs }, () => {
  // The others of that folder, and Redocly's verdict, take `npm run test:foreign-protos`.
  it("of gRPC's health make a server that serves them instead of its own, which has nothing to hide", async () => {
    project = createProject(contracts.health, policyOf("health"));
    expect(project.generate()).toMatch(/^parapet-generate: 3 methods, /);
    project.compile();
    // Its own health service knows no Connect GET and no REST, and would be refused for that.
    expect(await project.judge()).toMatch(/^PASSED: /m);
  });

  it("of Google's common services generate everything, it compiles, and the untouched server passes the contract profile", async () => {
    project = createProject(contracts.google, policyOf("google"));
    project.generate();
    project.compile();
    // What only the policy file says: a binding, and an action.
    expect(readFileSync(join(project.folder, "src/rest/routes.ts"), "utf8")).toContain('"template":"/v1/waits/{name}:wait"');
    expect(readFileSync(join(project.folder, "src/conformance/cases.ts"), "utf8")).toContain('auditAction: "iam_policy.set_iam_policy"');
    expect(readFileSync(join(project.folder, "src/typescript/webhooks.ts"), "utf8")).toContain('rt.WebhookEvent<"operation.ended", LongrunningOperation>');
    const said = await project.judge();
    expect(said).toMatch(/^PASSED: .* 0?[1-9]\d* PASS/m);
    expect(said).not.toMatch(/FAIL|ERROR/);
  });
});
