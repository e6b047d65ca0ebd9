/** The version of this server, read from its own package. */
import { createRequire } from "node:module";

/** As in package.json. */
export const version: string = (createRequire(import.meta.url)("../package.json") as { version: string }).version;
