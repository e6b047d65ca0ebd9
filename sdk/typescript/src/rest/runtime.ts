/** The REST layer without a contract: what clients of other annotated contracts are made of, with the generated `operations.ts` and `methods.ts`, and the paths that openapi-typescript makes of their document. */
export { ParapetError } from "../runtime/error.js";
export { createRuledClient, type RestCallOptions, type RestContract, type RestOptions } from "./client.js";
export { createPaginate, createResult, createStream, type GetResult, type Operations, type Paginate, type RestVerb, type StreamMessages } from "./helpers.js";
export { type FetchResult, isProblem, problemError, unwrap } from "./problem.js";
