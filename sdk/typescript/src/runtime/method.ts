/** What the contract says of one method, as far as a client must know it. */

/** A method. Generated functions carry one each. */
export interface Method {
  /** `package.Service/Method`; the path of the call. */
  readonly name: string;
  readonly kind: "unary" | "server_streaming" | "client_streaming";
  /** `idempotency_level` of the RPC. A call that is `unknown` is sent again only with a key, the same one each time. */
  readonly idempotency: "unknown" | "no_side_effects" | "idempotent";
  /** Whether a call may or must carry an Idempotency-Key. */
  readonly key: "ignored" | "optional" | "required";
  /** What the caller needs: nothing, any principal, or a right; `on` is the request field that names the collection, empty for the server. */
  readonly needs: "nothing" | "principal" | { readonly right: "read" | "write" | "admin"; readonly on: string };
  /** How it pages, where it does. */
  readonly paging?: Paging;
  /** The JSON of a response may be anything: the message is one of google.protobuf with a form of its own. */
  readonly bare?: boolean;
  /** How a stream goes on behind its last message once its connection broke, where it can. */
  readonly resume?: Resume;
  /** Fields of the response that hold secrets, at any depth. */
  readonly secrets?: readonly string[];
}

/** How a stream is resumed: JSON names of the fields. */
export interface Resume {
  /** Request field that takes the token of the last message. */
  readonly request: string;
  /** Response field that carries the token of each message. */
  readonly response: string;
}

/** What the contract says of a method beyond what its descriptor does, for layers that have descriptors. What is not said: `key` is ignored, and it `needs` a principal. */
export type Rule = Partial<Pick<Method, "key" | "needs" | "resume">>;

/** How a method pages: JSON names of the fields (AIP-158). */
export interface Paging {
  /** Request field that continues a listing. */
  readonly token: string;
  /** Response field with the token of the next page; empty on the last. */
  readonly next: string;
  /** Response field with the items. */
  readonly items: string;
  /** Request fields that count for the first page only, such as an offset. */
  readonly first: readonly string[];
}

/** How a response of protobuf-es lists: names of its fields as messages have them. */
export interface Listing {
  /** Field with the items. */
  readonly items: string;
  /** Request fields that count for the first page only. */
  readonly first: readonly string[];
}

/** Fields of responses that hold secrets, at any depth, by full names of the responses. */
export type Secrets = Readonly<Record<string, readonly string[]>>;

/** What the contract says of an operation of the REST side. */
export interface Operation {
  /** `package.Service/Method`. */
  readonly method: string;
  /** How it pages, where it does; `in`: where the request holds its token. */
  readonly paging?: Paging & { readonly in: "query" | "body" };
}
