/** The helpers for the contract of Parapet. */
import { listings, type ReasonsByResponse } from "../gen/responses.js";
import { createPaginate, createResult, type GetResult, type Paginate } from "./helpers.js";

/** A listing that turns its pages by itself: `for await (const document of paginate(client.documents.search, { collection: "docs" }))`, or page by page with `.pages()`. */
export const paginate: Paginate<typeof listings> = /* @__PURE__ */ createPaginate(listings);

/** A call whose outcome is a value: `const found = await result(client.documents.get, { collection: "docs", key: "readme" })`. Never rejects; its error is typed with the reasons of the method. */
export const result: GetResult<ReasonsByResponse> = /* @__PURE__ */ createResult<ReasonsByResponse>();
