/** The version of this server, read from its own package; by its name, since this module is read from more than one place in it. */
import { createRequire } from "node:module";

/** As in package.json. */
export const version: string = (createRequire(import.meta.url)("@parapet/server/package.json") as { version: string }).version;
