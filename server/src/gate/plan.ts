/** Everything about one method that can be computed at start: codec, policy, bucket, audit template, handler. */
import type { DescMessage, DescMethod, Message } from "@bufbuild/protobuf";
import type { MethodImpl } from "@connectrpc/connect";
import type { AuditLevel, IdempotencyKey, MethodPolicy } from "@parapet/contract/parapet/policy/v1/policy_pb";
import type { FieldViolation } from "../errors.js";
import type { BucketNumbers } from "../limit/limiter.js";

/** Reads a string field of a request by its path; undefined where a part of the path is absent. */
export type FieldReader = (message: Message) => string | undefined;

/** Who may call, resolved. */
export type AccessPlan =
  | { readonly kind: "public"; readonly ignoreBadCredential: boolean }
  | { readonly kind: "authenticated" }
  | { readonly kind: "permission"; readonly bit: number; readonly collectionOf: FieldReader | undefined };

/** How often, resolved. Undefined: exempt. */
export interface LimitPlan {
  readonly bucket: BucketNumbers;
  readonly cost: number;
  readonly accountOf: FieldReader | undefined;
}

/** What is recorded, resolved. */
export interface AuditPlan {
  readonly action: string;
  readonly level: AuditLevel;
  /** The resource for a decoded request; variables of an undecoded one are `-`. */
  readonly resource: (request: Message | undefined) => string;
  readonly collectionOf: FieldReader | undefined;
  readonly keyOf: FieldReader | undefined;
}

/** Where the tokens of a stream that can be resumed stand: names of fields in messages of protobuf-es. */
export interface ResumePlan {
  readonly request: string;
  readonly response: string;
}

/** One method, ready to run. */
export interface Plan {
  readonly desc: DescMethod;
  /** `package.Service/Method`. */
  readonly name: string;
  /** `/package.Service/Method`. */
  readonly path: string;
  readonly policy: MethodPolicy;
  readonly access: AccessPlan;
  readonly limit: LimitPlan | undefined;
  readonly audit: AuditPlan;
  readonly idempotencyKey: IdempotencyKey;
  readonly resume: ResumePlan | undefined;
  /** True unless the method is declared NO_SIDE_EFFECTS. */
  readonly sideEffects: boolean;
  readonly input: DescMessage;
  readonly output: DescMessage;
  /** True if the request holds a `debug_redact` field, at any depth: what is wrong with it is logged without what it says. */
  readonly secretRequest: boolean;
  /** True if the response holds a `debug_redact` field, at any depth. */
  readonly secretResponse: boolean;
  /** True if answers may be compressed: not those with a secret, whose length would tell something of it to who can put text of their own beside it (breachattack.com). */
  readonly packsResponse: boolean;
  /** Broken rules of a decoded request; empty if none. */
  readonly validate: (request: Message) => readonly FieldViolation[];
  readonly implementation: MethodImpl<DescMethod>;
}
