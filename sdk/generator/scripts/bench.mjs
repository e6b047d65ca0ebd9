// Measures the generator as its users meet it: the whole process, all targets, on a contract of 1,000 RPCs; and buf's share of that.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compile } from "../dist/compile.js";

const bin = fileURLToPath(new URL("../bin/parapet-generate.js", import.meta.url));
const services = 50;
const methodsPerService = 20;
const runs = Number(process.argv[2] ?? 5);
/** Most that the median may take, in seconds. */
const budgetSeconds = 3;
/** Linux counts CPU time in hundredths of a second. */
const ticksPerSecond = 100;

const folder = mkdtempSync(join(tmpdir(), "parapet-bench-"));
try {
  for (let index = 0; index < services; index++) write(`big/v1/service_${index}.proto`, serviceProto(index));
  const measured = [];
  for (let run = 0; run < runs; run++) {
    let said = "";
    const all = await timed(() => {
      const { status, stderr, stdout } = spawnSync(process.execPath, [bin, "--proto", join(folder, "protos"), "--out", join(folder, `out-${run}`)], { encoding: "utf8" });
      if (status !== 0) throw new Error(`the generator ended with ${status}\n${stderr.slice(0, 2000)}`);
      said = stdout.trim();
    });
    const buf = await timed(() => compile(join(folder, "protos")));
    measured.push({ ...all, bufWall: buf.wall, bufCpu: buf.cpu });
    console.log(`run ${run + 1}: ${shown(all)}; buf alone ${shown(buf)}  ${said}`);
  }
  const [wall, cpu, bufWall, bufCpu] = ["wall", "cpu", "bufWall", "bufCpu"].map((name) => median(measured.map((each) => each[name])));
  console.log(`bench: ${services * methodsPerService} RPCs in ${shown({ wall, cpu })}, of that buf ${shown({ wall: bufWall, cpu: bufCpu })} (medians of ${runs}; budget ${budgetSeconds} s wall)`);
  process.exitCode = wall <= budgetSeconds ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function timed(work) {
  const [start, cpu] = [performance.now(), childSeconds()];
  await work();
  return { wall: (performance.now() - start) / 1000, cpu: childSeconds() - cpu };
}

function shown({ wall, cpu }) {
  return `${wall.toFixed(2)} s wall and ${cpu.toFixed(2)} s CPU`;
}

function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

/** CPU time of all children that ended, theirs included; 0 where /proc is missing. */
function childSeconds() {
  try {
    const fields = readFileSync("/proc/self/stat", "utf8").split(") ")[1].split(" ");
    return (Number(fields[13]) + Number(fields[14])) / ticksPerSecond;
  } catch {
    return 0;
  }
}

function write(path, content) {
  const file = join(folder, "protos", path);
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, content);
}

/** A service whose methods look like those of real contracts: path, query, body, rules, a nested message, a map, an enum. */
function serviceProto(index) {
  const methods = Array.from({ length: methodsPerService }, (_, method) => methodProto(index, method));
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
${methods.map(({ messages }) => messages).join("\n")}
`;
}

function methodProto(index, method) {
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
