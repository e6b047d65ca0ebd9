/** What is wrong with a contract: problems with their place, reported all at once. */

/** Kinds of problems, each with the rule it breaks. */
export const problemRules = {
  "build-failed": "the protos must compile",
  "policy-missing": "every RPC states its policy",
  "access-missing": "every policy states who may call",
  "right-missing": "a permission names its right",
  "limit-missing": "every policy states a bucket or an exemption",
  "bucket-unknown": "a bucket is declared in a file option",
  "bucket-twice": "a bucket is declared once in a contract",
  "bucket-invalid": "a bucket has an algorithm, requests and a window",
  "audit-missing": "every policy states what is recorded",
  "field-unknown": "a path names fields of the message",
  "rule-invalid": "a rule of protovalidate fits its field and can be evaluated",
  "field-type": "a path leads to a field of a fitting type",
  "template-invalid": "a path template follows the grammar of google/api/http.proto",
  "verb-unsupported": "a binding uses GET, PUT, POST, DELETE or PATCH",
  "body-invalid": "a body fits its verb and names a field",
  "query-invalid": "fields outside path and body fit into a query string",
  "stream-binding": "a streaming RPC is bound in a way that HTTP can carry",
  "route-conflict": "no two bindings match the same request",
  "reason-unknown": "a comment names reasons that exist",
  "paging-incomplete": "a list method pages (AIP-158)",
  "resume-invalid": "what is resumed is a stream from the server without side effects, and its token fields are strings",
  "idempotency-contradicted": "what may be retried is stated once",
  "webhook-invalid": "an event is named by identifiers with full stops between them",
  "webhook-twice": "an event is declared once in a contract",
  "webhook-secret": "no event posts a secret",
  "webhook-name": "an event says in snake case what happened to what",
  "secret-exposed": "a field that looks like a secret is debug_redact",
  "idempotency-missing": "every RPC states whether it may be repeated",
  "retry-unsafe": "what HTTP lets everybody repeat is idempotent",
  "paging-missing": "what lists pages (AIP-158)",
  "json-name-taken": "no field has a JSON name that breaks programs which read the OpenAPI document",
  "policy-file-invalid": "a policy file has the members that are known",
  "policy-file-unmatched": "a policy file names what the contract has",
  "policy-file-conflict": "a policy file says what protos leave open",
  "name-clash": "names that a target makes are unique",
  "option-invalid": "an option of a target has a value that it knows",
} as const;

/** Name of a rule. */
export type ProblemRule = keyof typeof problemRules;

/** One problem. */
export interface Problem {
  readonly rule: ProblemRule;
  /** `file.proto:line:column` where the source is known, else the full name of the element. */
  readonly place: string;
  /** What is wrong, naming the element. */
  readonly message: string;
}

/** Everything that is wrong with a contract. */
export class GeneratorError extends Error {
  override readonly name = "GeneratorError";
  constructor(readonly problems: readonly Problem[]) {
    super(problems.map(formatProblem).join("\n"));
  }
}

/** One line for people and editors: `place: message (rule)`. */
export function formatProblem({ rule, place, message }: Problem): string {
  return `${place}: ${message} (${rule})`;
}
