/** How every REST call is spelled. */
import { Protocol } from "../../call.js";
import type { Spelling } from "../protocol.js";

/** JSON in and out, whatever the content type says. */
export const rest: Spelling = { protocol: Protocol.REST, codec: "json", text: false, stream: false, contentType: "application/json" };
