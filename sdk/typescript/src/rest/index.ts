/** A client of the REST side: openapi-fetch with the types of the published OpenAPI document, under the rules of the runtime. */
import type { paths } from "@parapet/contract/openapi/types";
import type { Client } from "openapi-fetch";
import { methods } from "../gen/methods.js";
import { operations, type OperationTypes } from "../gen/operations.js";
import { createRuledClient, type RestOptions } from "./client.js";
import { createPaginate, createResult, createStream, type GetResult, type Paginate, type StreamMessages } from "./helpers.js";

export { ParapetError } from "../runtime/error.js";
export type { RestCallOptions, RestOptions } from "./client.js";
export { type FetchResult, isProblem, type Problem, problemError, unwrap } from "./problem.js";

/** Calls by path: `rest.GET("/v1/collections/{collection}/documents/{key}", { params })`. */
export type RestClient = Client<paths>;

/**
 * Makes a client. Throws ParapetError (REQUEST_INVALID, CREDENTIAL_UNAVAILABLE) for options that cannot work. Calls resolve with `data` or a typed `error`, see `unwrap`;
 * they reject with ParapetError where no answer of the API came.
 */
export function createRestClient(options: RestOptions): RestClient {
  return createRuledClient<paths>(options, { operations, methods });
}

/** A listing that turns its pages by itself: `for await (const document of paginate(rest, "post", "/v1/search", { body }))`, or page by page with `.pages()`. */
export const paginate: Paginate<typeof operations> = /* @__PURE__ */ createPaginate(operations);

/** A call whose outcome is a value: `await result(rest, "get", path, { params })`. Never rejects; its error is typed with the reasons of the operation. */
export const result: GetResult<OperationTypes> = /* @__PURE__ */ createResult<OperationTypes>();

/** The messages of a stream: `for await (const document of stream(rest, "post", "/v1/export", { body }))`. It goes on behind its last message when the connection breaks, where the contract says how. */
export const stream: StreamMessages<OperationTypes> = /* @__PURE__ */ createStream<OperationTypes>();
