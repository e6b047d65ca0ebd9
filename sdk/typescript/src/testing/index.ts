/** A server in memory, for tests of code that uses the SDK: typed handlers behind a `fetch`, and every refusal of the contract. */
export { createFakeServer, type FakeServer, type Handler, type SeenCall, type Sketch } from "./fake-server.js";
export { type RefusalFacts, Refusal, refuse } from "./refusal.js";
