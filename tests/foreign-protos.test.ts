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
  it.each(["reflection", "health"] as const)("of gRPC's %s generate everything, and it compiles", (name) => {
    project = createProject(contracts[name], policyOf(name));
    expect(project.generate()).toMatch(/^parapet-generate: \d+ methods, /);
    project.compile();
  });

  it("of Google's common services generate everything, it compiles, and the untouched server passes the contract profile", async () => {
    project = createProject(contracts.google, policyOf("google"));
    project.generate();
    project.compile();
    // What only the policy file says: a binding, and an action.
    expect(readFileSync(join(project.folder, "src/rest/routes.ts"), "utf8")).toContain('"template":"/v1/waits/{name}:wait"');
    expect(readFileSync(join(project.folder, "src/conformance/cases.ts"), "utf8")).toContain('auditAction: "iam_policy.set_iam_policy"');
    const said = await project.judge();
    expect(said).toMatch(/^PASSED: .* 0?[1-9]\d* PASS/m);
    expect(said).not.toMatch(/FAIL|ERROR/);
  });
});
