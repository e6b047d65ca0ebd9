/** Methods of an imagined contract, one for each way in which calls differ. */
import type { Method, Paging } from "../runtime/method.js";

const base = { kind: "unary", idempotency: "unknown", key: "ignored", needs: "principal" } as const;

/** May be repeated at will. */
export const read: Method = { ...base, name: "test.v1.Test/Read", idempotency: "no_side_effects" };
/** May be repeated with its key. */
export const create: Method = { ...base, name: "test.v1.Test/Create", key: "optional" };
/** Must not be repeated. */
export const act: Method = { ...base, name: "test.v1.Test/Act" };
/** Open to all; what a token source may call. */
export const login: Method = { ...base, name: "test.v1.Test/Login", needs: "nothing", secrets: ["token"] };
/** Pages. */
export const list: Method & { readonly paging: Paging } = {
  ...read,
  name: "test.v1.Test/List",
  paging: { token: "pageToken", next: "nextPageToken", items: "items", first: ["offset"] },
};
/** Streams from the server. */
export const watch: Method = { ...read, name: "test.v1.Test/Watch", kind: "server_streaming" };
/** Streams from the server, and goes on behind its last message. */
export const tail: Method = { ...watch, name: "test.v1.Test/Tail", resume: { request: "after", response: "at" } };
/** Streams from the client. */
export const upload: Method = { ...base, name: "test.v1.Test/Upload", kind: "client_streaming" };
