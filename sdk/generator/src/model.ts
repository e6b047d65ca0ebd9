/** The language-neutral model of a contract: plain JSON data, the input of every target. */
import type { Image } from "./image.js";

/** Version of this layout. Grows when a field changes its meaning or goes away; new optional fields do not count. */
export const modelVersion = 1;

/** A contract with everything that its annotations say, resolved. All lists are in a fixed order, so equal contracts give equal JSON. */
export interface Model {
  readonly version: typeof modelVersion;
  /** SHA-256 in hex of the contract's own files without comments; what a deployment reports as its contract. */
  readonly contractHash: string;
  /** Last part of the own packages' names where they agree (`v1`), else the highest one. */
  readonly contractVersion: string;
  /** Own packages, sorted. */
  readonly packages: readonly string[];
  /** Own services, sorted by full name; methods in the order of the source. */
  readonly services: readonly Service[];
  /** Every message that an own file declares or that a method reaches, sorted by full name. Map entries are not listed. */
  readonly messages: readonly MessageType[];
  /** Every enum that an own file declares or that a method reaches, sorted by full name. */
  readonly enums: readonly EnumType[];
  /** Named rate limits, sorted by name. */
  readonly buckets: readonly Bucket[];
  /** Every reason an error can carry, in the order of the enum's numbers. */
  readonly reasons: readonly Reason[];
  /** Events that are posted to subscribers, sorted by name. */
  readonly webhooks: readonly Webhook[];
}

/** A proto service. */
export interface Service {
  /** `package.Service`. */
  readonly fullName: string;
  readonly name: string;
  readonly package: string;
  readonly docs: string;
  readonly deprecated: boolean;
  readonly methods: readonly Method[];
}

/** What flows in which direction. */
export type MethodKind = "unary" | "server_streaming" | "client_streaming" | "bidi_streaming";

/** `idempotency_level` of google.protobuf.MethodOptions. */
export type IdempotencyLevel = "unknown" | "no_side_effects" | "idempotent";

/** An RPC. */
export interface Method {
  /** `package.Service/Method`. */
  readonly fullName: string;
  /** Full name of its service. */
  readonly service: string;
  /** As in the proto: `CreateApiKey`. */
  readonly name: string;
  /** In lower camel case: `createApiKey`. */
  readonly localName: string;
  readonly kind: MethodKind;
  readonly idempotency: IdempotencyLevel;
  /** Full name of the request message. */
  readonly request: string;
  /** Full name of the response message. */
  readonly response: string;
  /** The comment, its sentence "Errors: …" left out. */
  readonly docs: string;
  readonly deprecated: boolean;
  readonly policy: Policy;
  /** REST bindings: the main one first, then the additional ones. Empty: not on REST. */
  readonly bindings: readonly Binding[];
  /** Reasons a call can fail with, sorted by number. */
  readonly reasons: readonly MethodReason[];
  /** How the method pages, where it does (AIP-158). */
  readonly paging?: Paging;
  /** Fields behind If-Match, If-None-Match and ETag, where there are any (AIP-154). */
  readonly conditional?: Conditional;
  /** True if the response holds a `debug_redact` field, at any depth. */
  readonly secretResponse: boolean;
  readonly examples: Examples;
}

/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

/** A JSON object. */
export interface JsonObject {
  readonly [name: string]: Json;
}

/** Messages as protobuf-JSON, which of some messages of google.protobuf is no object, made from the rules and checked against them. What cannot be made (a CEL rule that nobody can guess) is absent. */
export interface Examples {
  /** A request with nothing that it does not need. */
  readonly minimal?: Json;
  /** A request with every field that may stand beside the others; page tokens and etags are left out. */
  readonly request?: Json;
  readonly response?: Json;
  /** Requests that break one rule each. */
  readonly invalid: readonly InvalidExample[];
}

/** A request that breaks a rule. */
export interface InvalidExample {
  /** Path of the field, as a violation names it: `documents[0].key`. */
  readonly field: string;
  /** Id of the rule, as a violation names it: `string.min_len`. */
  readonly rule: string;
  readonly request: JsonObject;
}

/** A reason with where it was read. */
export interface MethodReason {
  /** Name in google.rpc.ErrorInfo, e.g. `ETAG_MISMATCH`. */
  readonly name: string;
  /** `comment`: the RPC's comment names it. `policy`: its policy, rules or fields imply it. `transport`: any call can meet it. */
  readonly from: "comment" | "policy" | "transport";
}

/** `parapet.policy.v1.MethodPolicy`, flattened. */
export interface Policy {
  readonly access: Access;
  readonly limit: Limit;
  readonly audit: Audit;
  /** Whether a call may or must carry an Idempotency-Key. */
  readonly idempotencyKey: "ignored" | "optional" | "required";
  /** How a stream is resumed, where it can be. */
  readonly resume?: Resume;
}

/** How a stream is resumed: names of fields, both strings. */
export interface Resume {
  /** Request field that takes the token of a response. */
  readonly request: string;
  /** Response field that carries the token of each response. */
  readonly response: string;
}

/** What a grant allows. */
export type Right = "read" | "write" | "admin";

/** Who may call. */
export type Access =
  | { readonly kind: "public"; readonly ignoreBadCredential: boolean }
  | { readonly kind: "authenticated" }
  | {
      readonly kind: "permission";
      readonly right: Right;
      /** Dotted path of the request field that names the collection; empty: the server itself. */
      readonly resourceField: string;
      /** True if the right may be needed on the server: no field, or one that may be empty. */
      readonly server: boolean;
    };

/** How often. */
export type Limit =
  | { readonly kind: "exempt" }
  | {
      readonly kind: "bucket";
      readonly bucket: string;
      /** Units one call spends, 1 or more. */
      readonly cost: number;
      /** Dotted path of the request field that names an account; empty: none. */
      readonly accountField: string;
    };

/** What is recorded. */
export interface Audit {
  readonly action: string;
  readonly resource: string;
  readonly level: "none" | "metadata" | "request";
  /** Dotted path of the request field that holds the document key; empty: none. */
  readonly keyField: string;
}

/** HTTP verbs of google.api.http. */
export type Verb = "GET" | "PUT" | "POST" | "DELETE" | "PATCH";

/** One REST binding of a method (google/api/http.proto). */
export interface Binding extends Template {
  readonly verb: Verb;
  /** `""` nothing, `"*"` the whole request, or the proto name of a request field. */
  readonly body: string;
  /** `""` the whole response, or the proto name of a response field. */
  readonly responseBody: string;
}

/** A parsed path template. */
export interface Template {
  /** As written. */
  readonly template: string;
  /** Literals as they stand in the template, `*` for one segment, `**` for any number. */
  readonly parts: readonly string[];
  readonly variables: readonly TemplateVariable[];
  /** Custom verb without its colon, or empty. */
  readonly action: string;
}

/** A variable captures `parts[from..to)`. */
export interface TemplateVariable {
  /** Dotted proto path of the request field. */
  readonly field: string;
  readonly from: number;
  readonly to: number;
}

/** How a list method pages: proto names of the fields. */
export interface Paging {
  readonly pageToken: string;
  /** Field for the size of a page (`page_size` or `limit`), or empty. */
  readonly pageSize: string;
  readonly nextPageToken: string;
  /** The repeated response field that holds the items. */
  readonly items: string;
  /** `total_size` of the response, or empty. */
  readonly totalSize: string;
}

/** Fields of conditional calls: dotted proto paths, or empty. */
export interface Conditional {
  /** Request field behind If-Match. */
  readonly etag: string;
  /** Request field behind `If-None-Match: *`. */
  readonly createOnly: string;
  /** Response field that REST gives as ETag as well. */
  readonly responseEtag: string;
}

/** A message. */
export interface MessageType {
  readonly fullName: string;
  /** Name within its package: `Outer.Inner` where nested. */
  readonly name: string;
  readonly package: string;
  readonly docs: string;
  readonly deprecated: boolean;
  /** In the order of the source. */
  readonly fields: readonly Field[];
  readonly oneofs: readonly Oneof[];
  /** Message-level CEL rules. */
  readonly cel: readonly CelRule[];
  /** Fields of which at most one is set, whatever their types: `(buf.validate.message).oneof`. Left out where there are none. */
  readonly choices?: readonly Choice[];
  /** True where an own file declares it. */
  readonly own: boolean;
}

/** Fields, by their names, of which at most one is set; exactly one where it is required. */
export interface Choice {
  readonly fields: readonly string[];
  readonly required: boolean;
}

/** A oneof; synthetic ones of `optional` fields are not listed. */
export interface Oneof {
  readonly name: string;
  readonly jsonName: string;
  readonly docs: string;
  /** Proto names of its fields. */
  readonly fields: readonly string[];
  /** True if one of them must be set. */
  readonly required: boolean;
}

/** Scalar types, by their proto names. */
export type Scalar =
  | "double"
  | "float"
  | "int32"
  | "int64"
  | "uint32"
  | "uint64"
  | "sint32"
  | "sint64"
  | "fixed32"
  | "fixed64"
  | "sfixed32"
  | "sfixed64"
  | "bool"
  | "string"
  | "bytes";

/** What a field holds one of. */
export type FieldType =
  | { readonly kind: "scalar"; readonly scalar: Scalar }
  | { readonly kind: "message"; readonly name: string }
  | { readonly kind: "enum"; readonly name: string };

/** A field. */
export interface Field {
  /** Proto name. */
  readonly name: string;
  readonly jsonName: string;
  readonly number: number;
  readonly type: FieldType;
  /** `map`: `type` is the type of the values. */
  readonly cardinality: "singular" | "repeated" | "map";
  /** Type of the keys of a map. */
  readonly mapKey?: Scalar;
  /** Name of its oneof, where it is in one. */
  readonly oneof?: string;
  /** `explicit`: set and unset differ. `implicit`: unset is the default value. `required`: proto2 `required`. */
  readonly presence: "implicit" | "explicit" | "required";
  readonly docs: string;
  readonly deprecated: boolean;
  /** `debug_redact`: the value is a secret. */
  readonly redact: boolean;
  /** `parapet.policy.v1.field.personal`: the value identifies a person. */
  readonly personal: boolean;
  /** `google.api.field_behavior`, in lower case (AIP-203). */
  readonly behaviour: readonly FieldBehaviour[];
  readonly rules?: Rules;
}

/** What AIP-203 says of a field. */
export type FieldBehaviour =
  | "optional"
  | "required"
  | "output_only"
  | "input_only"
  | "immutable"
  | "unordered_list"
  | "non_empty_default"
  | "identifier";

/** A bound: numbers of up to 32 bits and floating ones as numbers, 64-bit ones as decimal strings, durations as `1.5s`, timestamps as RFC 3339. */
export type Bound = number | string;

/** protovalidate rules of one value, as far as a schema can say them. Numbers are units of their name: `minLen` code points, `minBytes` bytes. */
export interface Rules {
  /** Must be set; where presence is implicit, must not be the default value. */
  readonly required?: boolean;
  /** `always`: no rule counts. `if_zero`: none counts for the default value; never said of what has presence, where it means nothing. */
  readonly ignore?: "always" | "if_zero";
  readonly const?: Bound | boolean;
  readonly in?: readonly Bound[];
  readonly notIn?: readonly Bound[];
  readonly gt?: Bound;
  readonly gte?: Bound;
  readonly lt?: Bound;
  readonly lte?: Bound;
  readonly finite?: boolean;
  readonly len?: number;
  readonly minLen?: number;
  readonly maxLen?: number;
  readonly lenBytes?: number;
  readonly minBytes?: number;
  readonly maxBytes?: number;
  /** RE2 syntax. */
  readonly pattern?: string;
  readonly prefix?: string;
  readonly suffix?: string;
  readonly contains?: string;
  readonly notContains?: string;
  /** A named format: the rule's own name, e.g. `email`, `uuid`, `uri_ref`, `host_and_port`. */
  readonly format?: string;
  /** Enums: unknown numbers are refused. */
  readonly definedOnly?: boolean;
  /** Timestamps: on which side of the present. */
  readonly now?: "before" | "after";
  /** Timestamps: how far from the present at most, as `1.5s`. */
  readonly within?: string;
  /** Values that the contract gives as examples. */
  readonly example?: readonly (Bound | boolean)[];
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly unique?: boolean;
  /** Rules of each item of a repeated field. */
  readonly items?: Rules;
  readonly minPairs?: number;
  readonly maxPairs?: number;
  /** Rules of each key of a map. */
  readonly keys?: Rules;
  /** Rules of each value of a map. */
  readonly values?: Rules;
  /** What no schema can say. */
  readonly cel?: readonly CelRule[];
}

/** A CEL rule. */
export interface CelRule {
  readonly id: string;
  readonly message: string;
  readonly expression: string;
}

/** An enum. */
export interface EnumType {
  readonly fullName: string;
  readonly name: string;
  readonly package: string;
  readonly docs: string;
  readonly deprecated: boolean;
  /** Unknown numbers pass. */
  readonly open: boolean;
  /** Prefix that all value names share with the enum's own (`AUDIT_LEVEL_`), or empty. */
  readonly prefix: string;
  /** In the order of the source. */
  readonly values: readonly EnumValue[];
  readonly own: boolean;
}

/** A value of an enum. */
export interface EnumValue {
  readonly name: string;
  readonly number: number;
  readonly docs: string;
  readonly deprecated: boolean;
  /** True for a further name of a number that has one already (`allow_alias`). */
  readonly alias: boolean;
}

/** A named rate limit with its default numbers. */
export interface Bucket {
  readonly name: string;
  readonly algorithm: "token_bucket" | "strict_window";
  /** Sustained requests per window. */
  readonly requests: number;
  /** Requests above them from idle; 0 for strict windows. */
  readonly burst: number;
  readonly windowMs: number;
}

/** A reason an error can carry. */
export interface Reason {
  /** Name in google.rpc.ErrorInfo, without the enum's prefix. */
  readonly name: string;
  readonly number: number;
  /** Canonical code as Connect spells it, e.g. `not_found`. */
  readonly code: string;
  /** HTTP status on REST. */
  readonly httpStatus: number;
  readonly title: string;
  readonly retryable: boolean;
  readonly docs: string;
}

/** An event that is posted to subscribers: a Standard Webhook whose body is `{"type", "timestamp", "data"}`. */
export interface Webhook {
  /** Its `type`: identifiers with full stops between them. No two of a contract differ only in case, full stops and underscores. */
  readonly event: string;
  /** Full name of the message that is its `data`. */
  readonly payload: string;
  readonly docs: string;
  readonly deprecated: boolean;
  /** An example of its `data`, where one can be made. */
  readonly example?: JsonObject;
}

/** A file that a target wants written. */
export interface OutputFile {
  /** Relative to the target's folder, with forward slashes. */
  readonly path: string;
  readonly content: string;
  /** The file is a person's from then on: written where there is none, never compared, changed or removed. */
  readonly once?: true;
  /** Of such a file: the generated one that does not compile without it, relative to the target's folder. */
  readonly importedBy?: string;
}

/** A target: a pure function of the contract. */
export interface Target {
  readonly name: string;
  /** One line for `parapet-generate --help`. */
  readonly summary: string;
  /** True if some of its files are a person's from then on (`OutputFile.once`). */
  readonly scaffolds?: true;
  /** Options that it knows, each with one line of help. */
  readonly options?: Readonly<Record<string, string>>;
  /**
   * Files of this target; throws GeneratorError for what it cannot express. Only options that it knows are given.
   * The image is for what needs descriptors themselves; everything else is in the model.
   */
  emit(model: Model, options: Readonly<Record<string, string>>, image: Image): readonly OutputFile[];
}
