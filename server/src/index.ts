/** What a library user imports: a gated server around services of one's own, and the reference server. */
export { createParapet, type Parapet, type ParapetOptions, type ServiceRegistrar } from "./parapet.js";
export type { ListenOptions } from "./edge/bind.js";
export { callOf, principalOf, type Call, type Principal } from "./call.js";
export { fail, Failure, Reason } from "./errors.js";
export type { Authenticated, IdentitySource, SentCredential } from "./identity/identity-source.js";
export { createJwksIdentity, type JwksIdentityOptions } from "./identity/jwks-identity.js";
export { CredentialsFileError, openCredentialsFile, type CredentialsFileOptions } from "./identity/credentials-file.js";
export type { AuditFacts, AuditSink, TransactionalAuditSink } from "./audit/sink.js";
export { openFileAuditSink, type FileAuditSink } from "./audit/file-sink.js";
export { createMemoryLimiter } from "./limit/memory-limiter.js";
export type { BucketNumbers, Limiter, LimitVerdict } from "./limit/limiter.js";
export { ADMIN, everyCollection, READ, WRITE, type Grants } from "./policy/rights.js";
export { createLog, silentLog, type Log } from "./log.js";
export type { Store, Transaction } from "./store/store.js";
export { createOnePort, type OnePort, type OnePortTimeouts, type RequestHandler } from "./edge/one-port.js";
export { createApp, type App, type AppOptions } from "./app.js";
export { serve, type ServeOptions } from "./main.js";
export { ConfigError, describeConfig, loadConfig, variablesMarkdown, type Config } from "./config.js";
