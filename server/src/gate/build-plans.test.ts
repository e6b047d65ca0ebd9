/** What stops the start: policies that do not hold together. */
import { clone, getOption } from "@bufbuild/protobuf";
import { DocumentService } from "@parapet/contract/parapet/document/v1/document_service_pb";
import { Algorithm, method as methodPolicy, MethodPolicySchema } from "@parapet/contract/parapet/policy/v1/policy_pb";
import { describe, expect, it } from "vitest";
import { buildPlans, ContractError } from "./build-plans.js";

const implementation = { add: () => ({}), export: () => ({}), exportArchive: () => ({}) };

const api = { name: "api", algorithm: Algorithm.TOKEN_BUCKET, requests: 100, burst: 50, windowMs: 60_000 };

/** Builds plans with a statement on resuming in front of a method's own policy. */
function plansWith(method: "add" | "export" | "exportArchive", requestField: string, responseField: string) {
  const desc = DocumentService.method[method];
  const policy = clone(MethodPolicySchema, getOption(desc, methodPolicy));
  policy.resume = { $typeName: "parapet.policy.v1.Resume", requestField, responseField };
  const overlay = { [`${DocumentService.typeName}/${desc.name}`]: policy };
  return buildPlans([{ service: DocumentService, implementation: implementation as object }], { overlay, buckets: { api }, pseudonym: () => "~" });
}

describe("a policy that states how a stream is resumed", () => {
  it("becomes the names of its fields", () => {
    const plans = plansWith("export", "resume_token", "resume_token");
    expect(plans.map(({ name, resume }) => [name.split("/")[1], resume])).toEqual([
      ["Add", undefined],
      ["Export", { request: "resumeToken", response: "resumeToken" }],
      ["ExportArchive", undefined],
    ]);
  });

  it.each([
    ["add", "key", "key", "Add: its policy states how it is resumed, but it is no stream from the server without side effects"],
    ["export", "filter_meta", "resume_token", 'Export: its policy resumes by "filter_meta", which is no string of parapet.document.v1.ExportRequest'],
    ["exportArchive", "collection", "body", 'ExportArchive: its policy resumes by "body", which is no string of parapet.document.v1.ExportArchiveResponse'],
  ] as const)("stops the start on %s with %s and %s", (method, request, response, fault) => {
    expect(() => plansWith(method, request, response)).toThrow(ContractError);
    expect(() => plansWith(method, request, response)).toThrow(fault);
  });
});
