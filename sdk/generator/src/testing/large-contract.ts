/** A large contract for benchmarks, and for tests of what only large contracts meet. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Writes the protos of a contract, one file a service, into a folder. */
export async function writeLargeContract(folder: string, services: number, methodsPerService: number): Promise<void> {
  await mkdir(join(folder, "big/v1"), { recursive: true });
  for (let index = 0; index < services; index++) await writeFile(join(folder, `big/v1/service_${index}.proto`), serviceProto(index, methodsPerService));
}

/** A service whose methods look like those of real contracts: path, query, body, rules, a nested message, a map, an enum; and an event. */
function serviceProto(index: number, methodCount: number): string {
  const methods = Array.from({ length: methodCount }, (_, method) => methodProto(index, method));
  const buckets = index === 0 ? 'option (parapet.policy.v1.file) = {\n  buckets: [{name: "api", algorithm: ALGORITHM_TOKEN_BUCKET, requests: 60, burst: 20, window: {seconds: 60}}]\n};\n' : "";
  return `// Service ${index} of a large contract.
syntax = "proto3";
package big.v1;
import "buf/validate/validate.proto";
import "google/api/annotations.proto";
import "google/protobuf/timestamp.proto";
import "parapet/policy/v1/policy.proto";
${buckets}
// Things of kind ${index}.
service Thing${index}Service {
${methods.map(({ rpc }) => rpc).join("\n")}
}
// State of a thing.
enum State${index} {
  // Not stated.
  STATE${index}_UNSPECIFIED = 0;
  // In use.
  STATE${index}_ACTIVE = 1;
}
// A thing.
message Thing${index} {
  // Its id.
  string id = 1;
  // Its state.
  State${index} state = 2;
  // Labels.
  map<string, string> labels = 3;
  // When it was made.
  google.protobuf.Timestamp create_time = 4;
}
// A thing of kind ${index} was changed.
message Thing${index}Changed {
  option (parapet.policy.v1.message) = {webhooks: [{event: "thing${index}.changed"}]};
  // As it is now.
  Thing${index} thing = 1;
}
${methods.map(({ messages }) => messages).join("\n")}
`;
}

function methodProto(index: number, method: number): { readonly rpc: string; readonly messages: string } {
  const read = method % 2 === 0;
  const name = `${read ? "Get" : "Put"}Thing${index}Part${method}`;
  const path = `/v1/groups/{group}/things${index}/{id}/part${method}`;
  const rule = "[(buf.validate.field).string = {min_len: 1, max_len: 64}]";
  return {
    rpc: `  // ${read ? "Reads" : "Changes"} part ${method} of a thing.
  rpc ${name}(${name}Request) returns (${name}Response) {
    option idempotency_level = ${read ? "NO_SIDE_EFFECTS" : "IDEMPOTENT"};
    option (google.api.http) = {${read ? `get: "${path}"` : `put: "${path}" body: "*"`}};
    option (parapet.policy.v1.method) = {
      access: {permission: {right: RIGHT_${read ? "READ" : "WRITE"}, resource_field: "group"}}
      limit: {bucket: "api"}
      audit: {action: "thing${index}.part${method}", resource: "groups/{group}/things/{id}", level: AUDIT_LEVEL_METADATA}
    };
  }`,
    messages: `// Which part.
message ${name}Request {
  // The group.
  string group = 1 ${rule};
  // The thing.
  string id = 2 ${rule};
  // How many.
  int32 count = 3 [(buf.validate.field).int32 = {gte: 0, lte: 100}];
${read ? "" : `  // The thing itself.\n  Thing${index} thing = 4;\n`}}
// The part.
message ${name}Response {
  // The thing.
  Thing${index} thing = 1;
  // Its size.
  int64 size = 2;
}
`,
  };
}
