/** What a program that embeds the command line imports. */
export { type CommandIo, main } from "./main.js";
