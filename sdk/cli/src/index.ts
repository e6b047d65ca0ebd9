/** What a program that has a command line of its own imports: that of a contract, and Parapet's. */
export { main } from "./main.js";
export type { CommandField, RpcCommand } from "./gen/commands.js";
export { type Command, type CommandIo, createProgram, type Program, runProcess } from "./program.js";
