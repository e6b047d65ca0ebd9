/** The connect layer without a contract: what clients of other annotated contracts are made of, with the generated `rules.ts` and `responses.ts`. */
export { type Callable, createPaginate, createResult, type GetResult, type Listings, type Paginate, withResponse } from "./helpers.js";
export type { Rules } from "./ruled-transport.js";
export { type ConnectContract, createTransport, hiding, type MakeTransport, type TransportBase } from "./transport.js";
export { createValidatingTransport, type InvalidResponse, type ResponseValidator, type ValidateOptions, validating } from "./validating-transport.js";
export { ParapetError } from "../runtime/error.js";
