/** The default layer: the generated client of the contract, and the runtime it stands on. */
export * from "./gen/index.js";
export * from "./runtime/index.js";
