/** The table of configuration variables: name, alias, kind, default, meaning. */
import * as limits from "../limits.js";
import { cidr, listenAddress, origin } from "./addresses.js";
import { boolean, choice, duration, integer, type Kind, list, path, secretText, size, text } from "./kinds.js";

/** One variable. */
export interface Variable<T, Default extends string | undefined = string | undefined> {
  readonly name: `PARAPET_${string}`;
  /** The MDDB_* name that means the same. */
  readonly alias: `MDDB_${string}` | undefined;
  readonly kind: Kind<T>;
  /** The text that holds where none is given; undefined: the value is absent. */
  readonly fallback: Default;
  /** True: never printed, and may come from the file that `<name>_FILE` names. */
  readonly secret: boolean;
  /** One or two sentences for the reference. */
  readonly doc: string;
}

interface Extras {
  readonly alias?: `MDDB_${string}`;
  readonly secret?: boolean;
}

function variable<T, const Default extends string | undefined>(
  name: `PARAPET_${string}`,
  kind: Kind<T>,
  fallback: Default,
  doc: string,
  { alias, secret = false }: Extras = {},
): Variable<T, Default> {
  return { name, alias, kind, fallback, secret, doc };
}

const second = 1_000;
const day = 86_400 * second;
const requestsMax = 100_000_000;
const workersMax = 64;
const messageSize = size(1024, 256 * 1024 * 1024);
const storeSize = size(1024 * 1024, 64 * 1024 * 1024 * 1024 * 1024);
const reservedSize = size(0, 64 * 1024 * 1024 * 1024);
const drainTime = duration(0, 3_600 * second);

/** Every variable, by its name in `Config`, in the order of the reference. */
export const variables = {
  address: variable("PARAPET_ADDR", listenAddress, "localhost:11023", "Where the server listens. `:11023` is every interface; port 0 is any free port."),
  socket: variable("PARAPET_SOCKET", path, undefined, "Path of a Unix socket to listen on as well. Its file permissions decide who may connect; credentials still apply."),
  dataDir: variable("PARAPET_DATA_DIR", path, ".parapet/data", "Directory of the store. One server process owns it."),
  keyDir: variable("PARAPET_KEY_DIR", path, ".parapet/keys", "Directory of key files (0700), outside the data directory and its backups. With another data directory the default is that path with `-keys` appended."),
  store: variable("PARAPET_STORE", choice("lmdb", "memory"), "lmdb", "Where data is kept. `memory` forgets everything at the end of the process."),
  storeBytesMax: variable("PARAPET_STORE_BYTES_MAX", storeSize, storeSize.print(limits.storeBytesMax), "Largest size of the store on disk, freed pages excepted."),
  storeBytesReserved: variable("PARAPET_STORE_BYTES_RESERVED", reservedSize, reservedSize.print(limits.storeBytesReserved), "Room of the store and its disk that is kept when they are full: changes that grow the store are refused ahead of it, `/ready` says so, and deletions, logins and the audit log go on."),
  workers: variable("PARAPET_WORKERS", integer(1, workersMax), "1", "Processes that serve the port. With more than one, a primary process owns the store and they share it, with one budget of limits and one audit log. `--workers N` says the same."),
  authEnabled: variable("PARAPET_AUTH_ENABLED", boolean, "true", "Whether calls need a credential. `false` is accepted on a loopback address only.", { alias: "MDDB_AUTH_ENABLED" }),
  authJwtSecret: variable("PARAPET_AUTH_JWT_SECRET", secretText(32, 4_096), undefined, "Secret that signs tokens (HS256), at least 32 bytes. Absent: one is generated into the key directory at the first start.", { alias: "MDDB_AUTH_JWT_SECRET", secret: true }),
  authJwtExpiryMs: variable("PARAPET_AUTH_JWT_EXPIRY", duration(60 * second, 366 * day), "24h", "How long a token lives.", { alias: "MDDB_AUTH_JWT_EXPIRY" }),
  authAdminUsername: variable("PARAPET_AUTH_ADMIN_USERNAME", text(128), "admin", "Name of the admin that the first start of a store creates.", { alias: "MDDB_AUTH_ADMIN_USERNAME" }),
  authAdminPassword: variable("PARAPET_AUTH_ADMIN_PASSWORD", secretText(1, 1_024), undefined, "Password of that admin. Absent: one is generated and shown once.", { alias: "MDDB_AUTH_ADMIN_PASSWORD", secret: true }),
  authPasswordPolicy: variable("PARAPET_AUTH_PASSWORD_POLICY", choice("warn", "strict"), "warn", "What happens to common passwords: a warning, or a refusal. Production mode is always strict."),
  rateLimitEnabled: variable("PARAPET_RATE_LIMIT_ENABLED", boolean, "true", "Whether calls are limited.", { alias: "MDDB_RATE_LIMIT_ENABLED" }),
  rateLimitRequests: variable("PARAPET_RATE_LIMIT_REQUESTS", integer(1, requestsMax), "100", "Sustained requests per window.", { alias: "MDDB_RATE_LIMIT_REQUESTS" }),
  rateLimitWindowMs: variable("PARAPET_RATE_LIMIT_WINDOW", duration(second, day), "60s", "The window that the requests refer to.", { alias: "MDDB_RATE_LIMIT_WINDOW" }),
  rateLimitBurst: variable("PARAPET_RATE_LIMIT_BURST", integer(0, requestsMax), "50", "Requests admitted above them from idle.", { alias: "MDDB_RATE_LIMIT_BURST" }),
  rateLimitBy: variable("PARAPET_RATE_LIMIT_BY", choice("user", "ip"), "user", "What a budget belongs to. Callers without a valid credential always count by address.", { alias: "MDDB_RATE_LIMIT_BY" }),
  loginLimitRequests: variable("PARAPET_LOGIN_LIMIT_REQUESTS", integer(1, requestsMax), "20", "Logins per window, counted exactly, for each address and for each account."),
  loginLimitWindowMs: variable("PARAPET_LOGIN_LIMIT_WINDOW", duration(second, day), "60s", "The window that the logins refer to."),
  trustedProxies: variable("PARAPET_TRUSTED_PROXIES", list(cidr), "", "Address ranges of proxies whose forwarding headers are believed."),
  corsOrigins: variable("PARAPET_CORS_ORIGINS", list(origin), "", "Browser origins that may call. `*` is refused in production.", { alias: "MDDB_CORS_ORIGIN" }),
  messageBytesMax: variable("PARAPET_MESSAGE_BYTES_MAX", messageSize, messageSize.print(limits.messageBytesMax), "Largest request message, decompressed."),
  production: variable("PARAPET_PRODUCTION", boolean, "false", "Whether to refuse to start unless every safeguard is on. `.env` is then not read.", { alias: "MDDB_PRODUCTION" }),
  tlsEnabled: variable("PARAPET_TLS_ENABLED", boolean, "false", "Whether the server itself speaks TLS. Not built yet: `true` is refused.", { alias: "MDDB_TLS_ENABLED" }),
  tlsInsecureOk: variable("PARAPET_TLS_INSECURE_OK", boolean, "false", "Whether production mode accepts plaintext, because TLS ends in front of the server.", { alias: "MDDB_TLS_INSECURE_OK" }),
  metricsPublic: variable("PARAPET_METRICS_PUBLIC", boolean, undefined, "Whether `/metrics` needs no credential. Absent: true, and false in production mode."),
  docsEnabled: variable("PARAPET_DOCS_ENABLED", boolean, "true", "Whether `/docs` shows the API to whoever asks, as `/openapi.yaml` does, and can call it. The page loads nothing from elsewhere and keeps no credential."),
  auditEnabled: variable("PARAPET_AUDIT_ENABLED", boolean, "true", "Whether calls are recorded. `false` is refused in production.", { alias: "MDDB_AUDIT_ENABLED" }),
  auditRetentionDays: variable("PARAPET_AUDIT_RETENTION_DAYS", integer(1, 36_500), "365", "Days that records are kept. Trimming is not built yet: records stay.", { alias: "MDDB_AUDIT_RETENTION_DAYS" }),
  drainTimeoutMs: variable("PARAPET_DRAIN_TIMEOUT", drainTime, drainTime.print(limits.drainTimeoutMs), "How long a server that was told to stop waits for running calls."),
  logLevel: variable("PARAPET_LOG_LEVEL", choice("debug", "info", "warn", "error"), "info", "Least level of what is logged."),
} as const;

type Table = typeof variables;

/** Name of a variable in `Config`. */
export type VariableKey = keyof Table;

type ValueOf<V> = V extends Variable<infer T, infer Default> ? (Default extends string ? T : T | undefined) : never;

/** What the variables say, before anything is derived from them. */
export type RawConfig = { readonly [K in VariableKey]: ValueOf<Table[K]> };

/** A name that is understood, although what it configures is not built yet. */
export interface PlannedVariable {
  readonly name: `PARAPET_${string}`;
  readonly alias: `MDDB_${string}` | undefined;
  /** Refuse: to go on without it would promise a protection that is not there. */
  readonly whenSet: "refuse" | "warn";
}

/** Names of features to come, so that setting one is answered instead of ignored. */
export const planned: readonly PlannedVariable[] = [
  { name: "PARAPET_TLS_CERT", alias: "MDDB_TLS_CERT", whenSet: "refuse" },
  { name: "PARAPET_TLS_KEY", alias: "MDDB_TLS_KEY", whenSet: "refuse" },
  { name: "PARAPET_TLS_CLIENT_CA", alias: "MDDB_TLS_CLIENT_CA", whenSet: "refuse" },
  { name: "PARAPET_TLS_CLIENT_AUTH", alias: "MDDB_TLS_CLIENT_AUTH", whenSet: "refuse" },
  { name: "PARAPET_ENCRYPTION_KEY", alias: "MDDB_ENCRYPTION_KEY", whenSet: "refuse" },
  { name: "PARAPET_ENCRYPTION_KEY_ID", alias: "MDDB_ENCRYPTION_KEY_ID", whenSet: "refuse" },
  { name: "PARAPET_ENCRYPTION_KEYS_PREVIOUS", alias: "MDDB_ENCRYPTION_KEYS_PREVIOUS", whenSet: "refuse" },
  { name: "PARAPET_AUDIT_EXPORT_WEBHOOK_URL", alias: "MDDB_AUDIT_EXPORT_WEBHOOK_URL", whenSet: "refuse" },
  { name: "PARAPET_AUDIT_EXPORT_WEBHOOK_HEADER", alias: "MDDB_AUDIT_EXPORT_WEBHOOK_HEADER", whenSet: "refuse" },
  { name: "PARAPET_AUDIT_EXPORT_SYSLOG_ADDR", alias: "MDDB_AUDIT_EXPORT_SYSLOG_ADDR", whenSet: "refuse" },
  { name: "PARAPET_INCIDENT_AUTH_THRESHOLD", alias: "MDDB_INCIDENT_AUTH_THRESHOLD", whenSet: "warn" },
  { name: "PARAPET_INCIDENT_DISK_THRESHOLD_PCT", alias: "MDDB_INCIDENT_DISK_THRESHOLD_PCT", whenSet: "warn" },
];
