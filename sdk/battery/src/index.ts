/** The battery as a library: run clients through scenarios, print what came of it. */
export type { Job, SeenError, Settled } from "./protocol.js";
export { type Command, patienceMs, runClient } from "./run-client.js";
export { runAll } from "./run-all.js";
export { type Observation, type Scenario, scenarios, type Verdict } from "./scenarios.js";
export { formatTable, type Row } from "./table.js";
