/** The registry of requirements: one checkable property a line, each with its keyword and how it can be observed. */

/** How a requirement can be observed: on the wire, through the audit API, with host hooks, from stored bytes. */
export type Mode = "W" | "A" | "H" | "F" | "W+A" | "W/H";

/** Severity of a requirement (RFC 2119): a MUST fails a run, a SHOULD warns. */
export type Keyword = "MUST" | "SHOULD";

/** One requirement. */
export interface Requirement {
  readonly id: string;
  readonly keyword: Keyword;
  readonly mode: Mode;
  readonly property: string;
  /** The standard, or the well-known system, that the rule comes from. */
  readonly anchor: string;
  /** Version of the suite it entered. */
  readonly since: number;
}

function requirement(id: string, keyword: Keyword, mode: Mode, property: string, anchor: string): Requirement {
  return { id, keyword, mode, property, anchor, since: 1 };
}

/** Every requirement of the areas that the suite knows, in the order of the semantics. */
export const requirements: readonly Requirement[] = [
  requirement("AN-01", "MUST", "W", "No credential on a protected RPC => UNAUTHENTICATED on all protocols (HTTP 401; gRPC/gRPC-Web HTTP 200 + grpc-status 16; Connect stream 200 + EndStream)", "Connect, RFC9110"),
  requirement("AN-02", "MUST", "W", "HTTP 401 carries WWW-Authenticate with >=1 challenge", "RFC9110 11.6.1"),
  requirement("AN-03", "SHOULD", "W", "401 with no credential sent has no error= code; with bad token has error=\"invalid_token\"", "RFC6750 3"),
  requirement("AN-04", "SHOULD", "W", "403 for missing scope has error=\"insufficient_scope\"", "RFC6750 3.1"),
  requirement("AN-05", "MUST", "W", "Auth decision precedes body decode/decompress: malformed or oversized body without credential still yields UNAUTHENTICATED", "AIP-211"),
  requirement("AN-06", "MUST", "W", "Of an unauthenticated body at most 64 KiB is buffered and at most 1 MiB (or 1 s) discarded, and the caller still reads the refusal", "API4:2023"),
  requirement("AN-07", "MUST", "W", "alg none in any case/spelling (none, None, nOnE, empty, missing) rejected", "RFC8725bis"),
  requirement("AN-08", "MUST", "W", "HS256 token keyed with the server's public key bytes (PEM, DER, JWK) rejected", "RFC8725 2.1"),
  requirement("AN-09", "MUST", "W", "alg different from the alg bound to the kid's key rejected; alg compared case-sensitively", "RFC8725bis 3.1"),
  requirement("AN-10", "MUST", "W", "Embedded jwk, jku, x5u, x5c headers never select a key and cause no outbound fetch", "ASVS 9.1.3"),
  requirement("AN-11", "MUST", "W", "kid with traversal/SQL/NUL/very long value => plain UNAUTHENTICATED, no 5xx", "RFC8725 3.10"),
  requirement("AN-12", "MUST", "W", "Unknown crit header rejected", "RFC7515 4.1.11"),
  requirement("AN-13", "MUST", "W", "exp absent or expired beyond leeway rejected; leeway <= 300 s", "RFC7519, RFC9068"),
  requirement("AN-14", "MUST", "W", "nbf in the future rejected; iat far in the future rejected (SHOULD)", "RFC7519"),
  requirement("AN-15", "MUST", "W", "Missing or foreign aud rejected; aud array containing ours accepted", "RFC8725bis 3.9"),
  requirement("AN-16", "MUST", "W", "Foreign iss rejected even if signed by a trusted key of another issuer", "RFC8725bis 3.8"),
  requirement("AN-17", "MUST", "W", "Wrong typ (ID token, refresh token, JWT) rejected where at+jwt is required", "RFC9068"),
  requirement("AN-18", "MUST", "W", "Truncated/empty/bit-flipped signature, 2- or 4-part tokens, JSON serialization, JWE rejected", "Wycheproof"),
  requirement("AN-19", "SHOULD", "W", "Non-canonical base64url (padding, unused bits) rejected", "jose accepts"),
  requirement("AN-20", "MUST", "W", "Textual malleation of a revoked token does not revive it", "ASVS 7.4.1"),
  requirement("AN-21", "MUST", "W", "Revoked key / session / deleted, suspended or demoted user refused on the next request on every protocol of one host, and within the declared revocation bound on every node", "ASVS 7.4.1-2"),
  requirement("AN-22", "MUST", "W", "Two request credentials, or the same header twice with different values => reject; a client certificate beside a request credential must name the same principal", "RFC6750 2"),
  requirement("AN-23", "MUST", "W", "Credential in URL query refused (or absent from contract)", "RFC9700"),
  requirement("AN-24", "MUST", "W", "Auth scheme token is case-insensitive; credential itself is not", "RFC9110 11.1"),
  requirement("AN-25", "MUST", "W", "Passwords verified exactly: two passwords equal in first 72 bytes, or differing by case/NFC/trailing space/NUL, are different", "ASVS 6.2.8"),
  requirement("AN-26", "MUST", "W", "Passwords of >= 64 chars accepted; over max => INVALID_ARGUMENT not truncation", "ASVS 6.2.9"),
  requirement("AN-27", "MUST", "W", "Login failure body/headers/code byte-identical (modulo ids) for unknown user, wrong password, disabled user", "ASVS 6.3.8"),
  requirement("AN-28", "SHOULD", "W", "Login latency for unknown vs known user not distinguishable (paired rank test; else INCONCLUSIVE; accounts with an imported bcrypt hash excepted until upgraded)", "ASVS 6.3.8 L3"),
  requirement("AN-29", "MUST", "W", "Password guessing throttled per account AND per source, without letting an attacker lock a victim out permanently", "ASVS 6.1.1, 6.3.1"),
  requirement("AN-30", "MUST", "F", "Passwords stored argon2id >= m19456,t2,p1 (PHC string) or stronger", "OWASP"),
  requirement("AN-31", "SHOULD", "W", "API key has fixed prefix + checksum; bad checksum refused without a store look-up and charged to the source", "GitHub"),
  requirement("AN-32", "MUST", "W", "API key shown once; list returns only prefix/last4; stored as hash", "ASVS 6.5.2"),
  requirement("AN-33", "MUST", "W", "API key scope, expiry, IP allowlist enforced identically on all protocols", "parity"),
  requirement("AN-34", "MUST", "W", "JWKS rotation: new key usable before old retires; tokens of retired key refused after declared overlap", "ASVS 11.2.2"),
  requirement("AN-35", "MUST", "W", "Refresh token single use; replay revokes the family", "RFC9700"),
  requirement("AN-36", "MUST", "W", "(profile oauth) PKCE required, plain refused, code single use and <= 10 min", "ASVS 10.4.2-3,6"),
  requirement("AN-37", "SHOULD", "W", "(profile oauth) Device flow: pending/slow_down/expired_token; user_code guessing limited", "RFC8628"),
  requirement("AZ-01", "MUST", "W", "Every RPC in the contract has a policy; a method without one is denied; reflection/health/metrics covered too", "API5, default deny"),
  requirement("AZ-02", "MUST", "W", "Full role x method matrix equals the contract options, both directions (allowed succeed, denied refused)", "OWASP matrix"),
  requirement("AZ-03", "MUST", "W", "Denied = PERMISSION_DENIED/403 and no effect (state re-read by owner unchanged)", "AIP-193"),
  requirement("AZ-04", "MUST", "W", "Object owned by another user/tenant refused for read, update, delete, list, search, batch, stream", "API1, ASVS 8.2.2"),
  requirement("AZ-05", "MUST", "W", "Without read right, existing and absent objects indistinguishable (code, message, details, size): PERMISSION_DENIED for both", "AIP-211"),
  requirement("AZ-06", "MUST", "W", "Lists, counts, facets, cursors and error texts never reveal foreign objects", "ASVS 8.4.1"),
  requirement("AZ-07", "MUST", "W", "Page token of principal A refused or harmless for B", "AIP-158"),
  requirement("AZ-08", "MUST", "W", "Authorization before validation: invalid body by a denied caller => PERMISSION_DENIED", "AIP-211"),
  requirement("AZ-09", "MUST", "W", "Role removal takes effect on next request, incl. open streams within bound", "ASVS 8.3.2"),
  requirement("AZ-10", "MUST", "W", "Nobody can grant a permission they lack, edit own role, or mint a key broader than self", "ASVS 8.2.1"),
  requirement("AZ-11", "MUST", "W", "Field-level: unauthorized fields neither returned nor writable (mass assignment, field mask, JSON aliases)", "ASVS 8.2.3"),
  requirement("AZ-12", "MUST", "W", "Path spellings (no leading slash, //, %4D, trailing slash, case, dot segments, :path with query, absolute-form) are 404/UNIMPLEMENTED/400, never more permissive", "CVE-2026-33186"),
  requirement("AZ-13", "MUST", "W", "Same method via another protocol/verb/override header gives the same decision", "parity"),
  requirement("AZ-14", "MUST", "W", "Only NO_SIDE_EFFECTS methods accept GET; others 405 with Allow", "Connect, RFC9110"),
  requirement("AZ-15", "MUST", "W", "Client-sent identity headers (x-user-id, x-forwarded-client-cert, x-role, grpc metadata equivalents) ignored unless from configured proxy", "ASVS 4.1.3"),
  requirement("AZ-16", "MUST", "W", "Batch/partial: one denied item never executes and never leaks; semantics declared (all or nothing)", "AIP-193"),
  requirement("AZ-17", "MUST", "H", "Authorizer/store failure denies (fail closed), UNAVAILABLE not OK", "ASVS 16.5.3"),
  requirement("AZ-18", "SHOULD", "W", "Same decision for the same input N times and on all nodes", "AuthZEN idempotency"),
  requirement("ER-01", "MUST", "W", "Each canonical code maps to the table's HTTP status on Connect unary and REST; REST alone uses 412 (ETAG_MISMATCH), 304 (not modified), 413 (MESSAGE_TOO_LARGE) by reason", "Connect, code.proto"),
  requirement("ER-02", "MUST", "W", "gRPC family never uses HTTP status for application refusals", "grpc docs"),
  requirement("ER-03", "MUST", "W", "Exactly one ErrorInfo per error; reason matches regex; same (reason,domain) on all protocols", "AIP-193"),
  requirement("ER-04", "MUST", "W", "REST errors are application/problem+json and match OpenAPI", "RFC9457"),
  requirement("ER-05", "MUST", "W", "No stack, SQL, file path, internal host, or parser text to unauthenticated callers", "ASVS 16.5.1"),
  requirement("ER-06", "MUST", "W", "Message size / header / decompression bombs => RESOURCE_EXHAUSTED with reason MESSAGE_TOO_LARGE (REST 413), never RATE_LIMITED, no Retry-After; server stays up", "API4"),
  requirement("ER-07", "SHOULD", "W", "Request id returned on every response, echoed if valid, and equals the audit record's id (counted records excepted)", "AuthZEN"),
  requirement("ER-08", "MUST", "W", "Responses authenticated by any credential are no-store/private or Vary on that header (Connect GET with API key)", "RFC9111"),
  requirement("ER-09", "MUST", "W", "CORS: no wildcard or reflected origin with credentials; grpc-status, grpc-message, grpc-status-details-bin, RateLimit*, X-RateLimit-*, Retry-After, WWW-Authenticate and request id exposed", "Fetch"),
  requirement("RL-01", "MUST", "W", "Declared bound holds over every interval: STRICT_WINDOW <= q for d <= w; TOKEN_BUCKET <= capacity + rate*d (boundary attack on fixed windows is the test)", "GCRA"),
  requirement("RL-02", "MUST", "W", "RL-01 holds with C parallel connections and N nodes (no lost update)", "atomicity"),
  requirement("RL-03", "MUST", "W", "From idle a full burst is admitted; a client paced at q/w is never refused", "liveness"),
  requirement("RL-04", "MUST", "W", "One budget across gRPC, gRPC-Web, Connect, REST, h1, h2", "parity"),
  requirement("RL-05", "MUST", "W", "Budgets of different principals/tenants independent (A exhausted, B unaffected)", "fairness"),
  requirement("RL-06", "MUST", "W", "Cost option honored: k calls of cost c use k*c", "contract"),
  requirement("RL-07", "MUST", "W", "A refused call consumes nothing; hammering does not extend the wait", "redis-cell"),
  requirement("RL-08", "MUST", "W", "Cost > capacity => FAILED_PRECONDITION, not retryable, no Retry-After", "redis-cell"),
  requirement("RL-09", "MUST", "W", "Over-limit refusal = RESOURCE_EXHAUSTED, reason RATE_LIMITED (HTTP 429; grpc-status 8), never UNAVAILABLE", "Connect"),
  requirement("RL-10", "MUST", "W", "Reason RATE_LIMITED carries Retry-After (integer, rounded up) and RetryInfo (exact): waiting RetryInfo admits the call; 80 % of it, where that delay is >= 500 ms, does not", "RFC9110"),
  requirement("RL-11", "MUST", "W", "RateLimit/RateLimit-Policy parse as RFC 9651 lists of sf-String items with q and r present as integers; every name in RateLimit exists in RateLimit-Policy", "draft-10"),
  requirement("RL-12", "MUST", "W", "RateLimit fields are headers, never trailers (incl. gRPC, gRPC-Web)", "draft-10"),
  requirement("RL-13", "SHOULD", "W", "Policy name/q/w equal the contract option", "contract"),
  requirement("RL-14", "SHOULD", "W", "r never over-promises: next r unit-cost calls are admitted when alone; r+admitted consistent, t <= w", "draft-10"),
  requirement("RL-15", "SHOULD", "W", "Retry-After >= t", "draft-10"),
  requirement("RL-16", "MUST", "W", "gRPC refusal carries QuotaFailure + RetryInfo; SHOULD grpc-retry-pushback-ms", "google.rpc, A6"),
  requirement("RL-17", "MUST", "W", "429 is not cacheable (no-store)", "RFC6585"),
  requirement("RL-18", "MUST", "W", "Failed authentication never spends the named victim's budget; it does spend the source's", "draft-10 sec"),
  requirement("RL-19", "MUST", "W", "Rotating IPv6 inside a /64 shares one bucket; IPv4-mapped equals IPv4", "ERL8"),
  requirement("RL-20", "MUST", "W", "Untrusted X-Forwarded-For/Forwarded/X-Real-IP does not change the key; with trusted hop count only the right entry counts", "ASVS 4.1.3"),
  requirement("RL-21", "MUST", "W/H", "Random keys/usernames/paths do not grow state without bound; unknown principals share source bucket", "DoS"),
  requirement("RL-22", "MUST", "W", "Key never contains raw secret and pk reveals no identity", "draft-10"),
  requirement("RL-23", "MUST", "H", "Store outage follows the declared mode; auth endpoints never fail open", "Envoy"),
  requirement("RL-24", "SHOULD", "H", "Restart or node change does not refill budgets", "durability"),
  requirement("RL-25", "SHOULD", "W", "Concurrency limit (open streams) enforced and released on cancel/disconnect", "draft-10 qu"),
  requirement("RL-26", "SHOULD", "H", "Clock step on one node changes nothing (store time used)", "GCRA"),
  requirement("AU-01", "MUST", "A", "Every audited RPC call yields exactly one terminal record on every protocol (counted over-limit records excepted)", "ASVS 16.3"),
  requirement("AU-02", "MUST", "A", "Denied, unauthenticated, rate-limited, invalid, cancelled, timed-out and failed calls are recorded with decision and outcome (floods as counted records, see DESIGN)", "ASVS 16.3.2-3"),
  requirement("AU-03", "MUST", "A", "Record has who, credential id+type, tenant, method, resource, when (UTC), where (ip, protocol), decision+rule, outcome code, request id", "ASVS 16.2.1"),
  requirement("AU-04", "MUST", "A", "Same call over different protocols gives equal records except the protocol field", "parity"),
  requirement("AU-05", "MUST", "A", "Level none/metadata/request is honored; none silences successes only", "k8s levels"),
  requirement("AU-06", "MUST", "W+A", "Record is readable/durable before the response is observed (read-your-audit)", "Vault, Tessera"),
  requirement("AU-07", "MUST", "H", "kill -9 at random points: no change in the store without its record; no outside effect (SQL, webhook test, backup) without an intent record", "write-ahead"),
  requirement("AU-08", "MUST", "H", "After a crash, intents of outside effects without a terminal record get outcome=unknown", "WAL"),
  requirement("AU-09", "MUST", "H", "Audit sink unwritable/full/blocked => audited calls fail UNAVAILABLE and have no effect", "Vault"),
  requirement("AU-10", "MUST", "A", "No credential, password, token, key, cookie or marked-sensitive value (any scalar type, incl. error text and URL) appears in any record", "ASVS 16.2.5"),
  requirement("AU-11", "SHOULD", "A", "Sensitive values appear as keyed HMAC; equal inputs equal; verify endpoint exists and is itself audited", "Vault"),
  requirement("AU-12", "MUST", "A", "CR/LF/control/bidi/JSON metacharacters in user input cannot forge or split a record", "ASVS 16.4.1"),
  requirement("AU-13", "MUST", "A", "Sequence gap-free and strictly increasing; timestamps non-decreasing within tolerance", "chain"),
  requirement("AU-14", "MUST", "F", "Offline verifier recomputes every hash from exported stored bytes", "CloudTrail"),
  requirement("AU-15", "MUST", "F", "Edit, delete, insert, reorder, duplicate of any record is located by the verifier", "chain"),
  requirement("AU-16", "MUST", "F", "Tail truncation and whole-log replacement detected against an earlier checkpoint", "C2SP"),
  requirement("AU-17", "SHOULD", "A", "Signed checkpoint + inclusion proof for each record + consistency proof between any two checkpoints (RFC 6962 domain separation)", "C2SP"),
  requirement("AU-18", "SHOULD", "A", "Empty periods still get a signed checkpoint", "CloudTrail"),
  requirement("AU-19", "MUST", "W", "Nobody (incl. admin, SQL surface) can update or delete records via the API; attempts are recorded", "ASVS 16.4.2"),
  requirement("AU-20", "MUST", "A", "Reading/exporting/verifying the log is authorized separately and recorded; tenant readers see own tenant only", "ASVS 16.4.2"),
  requirement("AU-21", "MUST", "A", "Actor in record is the authenticated principal, never a client-supplied field; delegation shows both", "ASVS 8.3.3"),
  requirement("AU-22", "SHOULD", "A", "Oversized fields truncated with marker+digest, never dropping the record", "k8s truncate"),
  requirement("AU-23", "SHOULD", "H", "Backpressure, not loss, under burst; counter of lost records exported and 0", "k8s batch"),
  requirement("AU-24", "SHOULD", "A", "Export maps to OCSF 6003/3002 and validates", "OCSF"),
  requirement("AU-25", "MUST", "A", "Config/policy/key/role changes and audit enable/disable are recorded with before/after", "OWASP vocab"),
  requirement("AU-26", "SHOULD", "F", "Erasing a subject's data (destroying its sealing key) leaves the chain verifiable", "crypto-shred"),
];

const byId = new Map(requirements.map((each) => [each.id, each]));

/** The requirement of an id such as `AN-01`. */
export function requirementOf(id: string): Requirement {
  const found = byId.get(id);
  if (found === undefined) throw new Error(`the registry has no requirement ${id}`);
  return found;
}
