/** What stops the start: events that cannot be posted. */
import { clone, create, createFileRegistry, type DescFile, setExtension } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema, MessageOptionsSchema } from "@bufbuild/protobuf/wkt";
import { AuthService } from "@parapet/contract/parapet/auth/v1/auth_service_pb";
import { message as messagePolicy, MessagePolicySchema } from "@parapet/contract/parapet/policy/v1/policy_pb";
import { describe, expect, it } from "vitest";
import { buildPlans } from "./build-plans.js";

function withImports(file: DescFile, all = new Set<DescFile>()): Set<DescFile> {
  file.dependencies.forEach((dependency) => withImports(dependency, all));
  return all.add(file);
}

/** Builds the plans of a service whose messages post events. */
function startWith(events: Readonly<Record<string, readonly string[]>>): void {
  const file = [...withImports(AuthService.file)].map(({ proto }) => clone(FileDescriptorProtoSchema, proto));
  for (const message of file.find(({ name }) => name === AuthService.file.proto.name)!.messageType) {
    const posted = events[message.name];
    if (posted === undefined) continue;
    message.options ??= create(MessageOptionsSchema);
    setExtension(message.options, messagePolicy, create(MessagePolicySchema, { webhooks: posted.map((event) => ({ event })) }));
  }
  // Twice, as a file may be known that is generated, and read at run time: that is no second declaration.
  const services = [1, 2].map(() => createFileRegistry(create(FileDescriptorSetSchema, { file: file.map((proto) => clone(FileDescriptorProtoSchema, proto)) })).getService(AuthService.typeName)!);
  buildPlans(services.map((service) => ({ service, implementation: {} })), { overlay: {}, buckets: {}, pseudonym: () => "~" });
}

describe("events that messages post", () => {
  it("let the server start", () => {
    expect(() => startWith({ LoginRequest: [], DeleteUserResponse: ["user.deleted", "user.left"], ListUsersResponse: ["users.listed"] })).not.toThrow();
  });

  it.each<[what: string, events: Record<string, string[]>, fault: string]>([
    ["a secret", { LoginResponse: ["user.logged_in"] }, 'parapet.auth.v1.LoginResponse: holds a secret, which the event "user.logged_in" would post'],
    ["no name", { DeleteUserResponse: ["user.logged out"] }, 'parapet.auth.v1.DeleteUserResponse: posts the event "user.logged out", which is no name of one'],
    ["a name twice", { DeleteUserResponse: ["user.out", "user.out"] }, 'posts the event "user.out", which parapet.auth.v1.DeleteUserResponse posts'],
    ["nearly the same name", { DeleteUserResponse: ["user.out"], ListUsersResponse: ["User.o_ut"] }, "or one of nearly that name"],
  ])("stop the start over %s", (_what, events, fault) => {
    expect(() => startWith(events)).toThrow(fault);
  });
});
