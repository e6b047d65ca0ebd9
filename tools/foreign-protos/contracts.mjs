// Contracts that are not ours: where their protos are, what of them is the contract, and the policy that goes with them.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = fileURLToPath(new URL("../..", import.meta.url));

/** Packages of the root install, and of this folder's own. */
const from = (folder) => (path) => join(folder, "node_modules", path);
const [ours, own] = [from(root), from(here)];

/** Each contract by name. `needs` is there only once this folder is installed. */
export const contracts = {
  google: { proto: ours("google-gax/build/protos"), paths: ["google/longrunning", "google/iam/v1", "google/cloud/location"] },
  monitoring: { proto: ours("google-gax/build/protos"), paths: ["google/monitoring/v3"] },
  reflection: { proto: ours("@grpc/reflection/build/proto"), paths: ["grpc"] },
  health: { proto: ours("grpc-health-check/proto"), paths: [] },
  channelz: { proto: ours("@grpc/grpc-js/proto"), paths: ["channelz.proto"] },
  opentelemetry: { proto: own("@opentelemetry/exporter-trace-otlp-grpc/build/protos"), paths: [] },
};

/** The policy file of a contract. */
export const policyOf = (name) => join(here, "policies", `${name}.yaml`);

/** Names of the contracts whose protos are installed. */
export const installed = Object.keys(contracts).filter((name) => existsSync(contracts[name].proto));
