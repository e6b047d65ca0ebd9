/** The safeguards that production mode insists on, one by one. */
import type { Config } from "../config.js";

/** One safeguard. */
export interface Control {
  /** Name in `/v1/compliance-status`, e.g. `authentication`. */
  readonly name: string;
  readonly satisfied: boolean;
  /** What is missing, or what it rests on; names the variable, never holds a secret. */
  readonly detail: string;
}

interface Rule {
  readonly name: string;
  readonly satisfied: (config: Config) => boolean;
  readonly met: (config: Config) => string;
  readonly missing: string;
}

const rules: readonly Rule[] = [
  {
    name: "authentication",
    satisfied: ({ authEnabled }) => authEnabled,
    met: () => "calls need a credential",
    missing: "PARAPET_AUTH_ENABLED must be true",
  },
  {
    name: "token_secret",
    satisfied: ({ authEnabled }) => authEnabled,
    met: ({ authJwtSecret }) => (authJwtSecret === undefined ? "32 random bytes from the key directory" : "PARAPET_AUTH_JWT_SECRET has at least 32 bytes"),
    missing: "no secret is used while PARAPET_AUTH_ENABLED is false",
  },
  {
    name: "transport_encryption",
    satisfied: ({ tlsInsecureOk }) => tlsInsecureOk,
    met: () => "TLS is not built yet: PARAPET_TLS_INSECURE_OK=true declares that it ends in front of the server",
    missing: "TLS is not built yet: end it in front of the server and say so with PARAPET_TLS_INSECURE_OK=true",
  },
  {
    name: "cors",
    satisfied: ({ corsOrigins }) => !corsOrigins.includes("*"),
    met: ({ corsOrigins }) => (corsOrigins.length === 0 ? "no foreign browser origin may call" : `${corsOrigins.length} named origins may call`),
    missing: "PARAPET_CORS_ORIGINS must name origins instead of *",
  },
  {
    name: "audit",
    satisfied: ({ auditEnabled }) => auditEnabled,
    met: () => "calls are recorded",
    missing: "PARAPET_AUDIT_ENABLED must be true",
  },
  {
    name: "rate_limit",
    satisfied: ({ rateLimitEnabled }) => rateLimitEnabled,
    met: ({ rateLimitRequests, rateLimitWindowMs }) => `${rateLimitRequests} requests in ${rateLimitWindowMs / 1000} s`,
    missing: "PARAPET_RATE_LIMIT_ENABLED must be true",
  },
  {
    name: "durable_store",
    satisfied: ({ store }) => store !== "memory",
    met: ({ store }) => `data and audit log are kept in ${store}`,
    missing: "PARAPET_STORE=memory forgets data and audit log",
  },
];

/** Judges every safeguard. Production mode starts only if all are satisfied; `/v1/compliance-status` shows them in every mode. */
export function productionChecklist(config: Config): Control[] {
  return rules.map(({ name, satisfied, met, missing }) => {
    const holds = satisfied(config);
    return { name, satisfied: holds, detail: holds ? met(config) : missing };
  });
}
