/** What a program that embeds the suite imports. */
export { type CommandIo, main } from "./main.js";
export { type Keyword, type Mode, type Requirement, requirementOf, requirements } from "./registry.js";
