/** What the configuration accepts, refuses and says about it. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Config, ConfigError, describeConfig, loadConfig, productionChecklist, variablesMarkdown } from "./config.js";

type Env = Record<string, string>;

const empty = mkdtempSync(join(tmpdir(), "parapet-config-"));

function directory(files: Record<string, string>): string {
  const path = mkdtempSync(join(tmpdir(), "parapet-config-"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  return path;
}

function load(env: Env, files?: Record<string, string>, argv: string[] = []) {
  return loadConfig({ env, argv, directory: files === undefined ? empty : directory(files) });
}

function problemsOf(env: Env, files?: Record<string, string>, argv?: string[]): readonly string[] {
  try {
    load(env, files, argv);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

const secret = "0123456789abcdef0123456789abcdef";
const production: Env = { PARAPET_PRODUCTION: "true", PARAPET_TLS_INSECURE_OK: "true" };

describe("an empty environment", () => {
  it("gives the documented defaults without a warning", () => {
    const { config, warnings, sources } = load({});
    expect(config).toMatchObject({
      address: { host: "localhost", port: 11023, hosts: ["127.0.0.1", "::1"], loopback: true },
      dataDir: ".parapet/data", keyDir: ".parapet/keys", store: "lmdb", authEnabled: true, authJwtSecret: undefined,
      authJwtExpiryMs: 86_400_000, authAdminUsername: "admin", rateLimitRequests: 100, rateLimitWindowMs: 60_000, rateLimitBurst: 50,
      rateLimitBy: "user", loginLimitRequests: 20, trustedProxies: [], corsOrigins: [], messageBytesMax: 16 * 1024 ** 2, storeBytesMax: 1024 ** 4, storeBytesReserved: 32 * 1024 ** 2,
      production: false, metricsPublic: true, docsEnabled: true, auditEnabled: true, auditRetentionDays: 365, drainTimeoutMs: 10_000, logLevel: "info",
    });
    expect(warnings).toEqual([]);
    expect(new Set(Object.values(sources))).toEqual(new Set(["default"]));
  });
});

describe("a value that reads", () => {
  const cases: [name: string, text: string, key: keyof Config, value: unknown][] = [
    ["PARAPET_ADDR", ":11023", "address", { host: "", port: 11023, hosts: [], loopback: false }],
    ["PARAPET_ADDR", "[::1]:0", "address", { host: "::1", port: 0, hosts: ["::1"], loopback: true }],
    ["PARAPET_ADDR", "0.0.0.0:80", "address", { host: "0.0.0.0", port: 80, hosts: ["0.0.0.0"], loopback: false }],
    ["PARAPET_ADDR", "127.0.0.9:80", "address", { host: "127.0.0.9", port: 80, hosts: ["127.0.0.9"], loopback: true }],
    ["PARAPET_DATA_DIR", "/srv/docs", "keyDir", "/srv/docs-keys"],
    ["PARAPET_AUTH_JWT_EXPIRY", "7d", "authJwtExpiryMs", 604_800_000],
    ["PARAPET_AUTH_JWT_EXPIRY", "1h30m", "authJwtExpiryMs", 5_400_000],
    ["PARAPET_AUTH_JWT_EXPIRY", "3600", "authJwtExpiryMs", 3_600_000],
    ["MDDB_RATE_LIMIT_WINDOW", "30", "rateLimitWindowMs", 30_000],
    ["PARAPET_DRAIN_TIMEOUT", "500ms", "drainTimeoutMs", 500],
    ["PARAPET_MESSAGE_BYTES_MAX", "32MiB", "messageBytesMax", 33_554_432],
    ["PARAPET_MESSAGE_BYTES_MAX", "4096", "messageBytesMax", 4_096],
    ["MDDB_AUDIT_ENABLED", "YES", "auditEnabled", true],
    ["MDDB_CORS_ORIGIN", "https://a.example, http://localhost:5173", "corsOrigins", ["https://a.example", "http://localhost:5173"]],
    ["PARAPET_TRUSTED_PROXIES", "10.0.0.0/8, fd00::/8,192.0.2.1", "trustedProxies", [
      { address: "10.0.0.0", prefix: 8, family: "ipv4" }, { address: "fd00::", prefix: 8, family: "ipv6" }, { address: "192.0.2.1", prefix: 32, family: "ipv4" },
    ]],
    ["PARAPET_RATE_LIMIT_BY", "ip", "rateLimitBy", "ip"],
    ["MDDB_AUTH_JWT_SECRET", secret, "authJwtSecret", secret],
    ["PARAPET_LOG_LEVEL", "", "logLevel", "info"],
  ];
  it.each(cases)("%s=%s", (name, text, key, value) => {
    expect(load({ [name]: text }).config[key]).toEqual(value);
  });
});

describe("a value that does not read", () => {
  const cases: [name: string, text: string, wanted: RegExp][] = [
    ["PARAPET_ADDR", "localhost", /host:port/],
    ["PARAPET_ADDR", "localhost:70000", /host:port/],
    ["PARAPET_ADDR", "::1:80", /host:port/],
    ["PARAPET_ADDR", "300.1.1.1:80", /host:port/],
    ["PARAPET_STORE", "postgres", /"postgres" given, wanted lmdb or memory/],
    ["PARAPET_AUTH_ENABLED", "maybe", /wanted true or false/],
    ["PARAPET_AUTH_JWT_EXPIRY", "1m1h", /a duration from 1m to 366d/],
    ["PARAPET_AUTH_JWT_EXPIRY", "5s", /a duration from 1m/],
    ["PARAPET_RATE_LIMIT_REQUESTS", "0", /a whole number from 1/],
    ["PARAPET_RATE_LIMIT_REQUESTS", "1e3", /a whole number/],
    ["PARAPET_MESSAGE_BYTES_MAX", "32MB", /a size from 1KiB to 256MiB/],
    ["PARAPET_TRUSTED_PROXIES", "10.0.0.0:8080", /without a port/],
    ["PARAPET_TRUSTED_PROXIES", "10.0.0.1/8", /bits to the right/],
    ["PARAPET_TRUSTED_PROXIES", "fd00:0:0:1::/48", /bits to the right/],
    ["PARAPET_TRUSTED_PROXIES", "0.0.0.0/0", /smaller than everybody/],
    ["PARAPET_TRUSTED_PROXIES", "::ffff:10.0.0.0/104", /IPv4 spelling/],
    ["PARAPET_TRUSTED_PROXIES", "10.0.0.0/33", /an address or a range/],
    ["PARAPET_CORS_ORIGINS", "https://a.example/app", /without a path/],
  ];
  it.each(cases)("%s=%s is refused by name with what is wanted", (name, text, wanted) => {
    const problems = problemsOf({ [name]: text });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(wanted);
    expect(problems[0]).toContain(name);
  });

  it("is reported together with all the others", () => {
    expect(problemsOf({ PARAPET_ADDR: "x", PARAPET_STORE: "y", PARAPET_LOG_LEVEL: "z" })).toHaveLength(3);
  });

  it("is not repeated where it is a secret", () => {
    const problems = problemsOf({ PARAPET_AUTH_JWT_SECRET: "hunter2" });
    expect(problems).toEqual(["PARAPET_AUTH_JWT_SECRET (environment): wanted 32 to 4096 bytes; these are 7"]);
  });
});

describe("a name", () => {
  const misses: [name: string, meant: string][] = [
    ["PARAPET_AUTH_JWT_SECRT", "PARAPET_AUTH_JWT_SECRET"],
    ["PARAPET_AUHT_ENABLED", "PARAPET_AUTH_ENABLED"],
    ["PARAPET_JWT_SECRET", "PARAPET_AUTH_JWT_SECRET"],
    ["PARAPET_RATELIMIT_BURST", "PARAPET_RATE_LIMIT_BURST"],
    ["MDDB_CORS_ORIGINS", "MDDB_CORS_ORIGIN"],
    ["PARAPET_ADRR", "PARAPET_ADDR"],
  ];
  it.each(misses)("%s is refused with the suggestion %s", (name, meant) => {
    expect(problemsOf({ [name]: "x" })).toEqual([expect.stringContaining(`did you mean ${meant}?`)]);
  });

  it("that is unknown altogether is a warning", () => {
    expect(load({ PARAPET_FROBNICATE: "1", MDDB_WHATEVER: "1" }).warnings).toHaveLength(2);
  });

  it.each([
    "PARAPET_PORT", "PARAPET_PORT_11023_TCP_ADDR", "PARAPET_SERVICE_HOST", "PARAPET_MAIN_SERVICE_PORT_HTTP", "PARAPET_CLI_TOKEN",
    "PARAPET_ADMIN_PASSWORD", "MDDB_PORT", "MDDB_API_KEY", "HOME",
  ])("%s belongs to somebody else and is ignored", (name) => {
    expect(load({ [name]: "x" }).warnings).toEqual([]);
  });

  it.each(["MDDB_TLS_CERT", "PARAPET_ENCRYPTION_KEY", "MDDB_AUDIT_EXPORT_WEBHOOK_URL"])("%s of a protection that is not built is refused", (name) => {
    expect(problemsOf({ [name]: "x" })).toEqual([expect.stringContaining("not built yet")]);
  });
});

describe("two spellings of one variable", () => {
  it("are refused where they differ", () => {
    expect(problemsOf({ PARAPET_RATE_LIMIT_BURST: "10", MDDB_RATE_LIMIT_BURST: "20" })).toEqual([expect.stringContaining("differ")]);
  });

  it("are accepted where they mean the same", () => {
    expect(load({ PARAPET_RATE_LIMIT_WINDOW: "1m", MDDB_RATE_LIMIT_WINDOW: "60" }).config.rateLimitWindowMs).toBe(60_000);
  });
});

describe("a secret from a file", () => {
  it("loses the line end of an editor and nothing else", () => {
    const files = directory({ "secret.txt": `${secret} \n` });
    const { config, sources } = load({ PARAPET_AUTH_JWT_SECRET_FILE: join(files, "secret.txt") });
    expect(config.authJwtSecret).toBe(`${secret} `);
    expect(sources.authJwtSecret).toContain("file of environment");
  });

  it("is refused if the file is missing", () => {
    expect(problemsOf({ PARAPET_AUTH_JWT_SECRET_FILE: "/nowhere/secret" })).toEqual([expect.stringContaining("does not exist")]);
  });

  it("is refused beside another text of the same variable", () => {
    const files = directory({ "secret.txt": secret });
    expect(problemsOf({ PARAPET_AUTH_JWT_SECRET_FILE: join(files, "secret.txt"), PARAPET_AUTH_JWT_SECRET: `${secret}x` })).toEqual([expect.stringContaining("differ")]);
  });

  it("exists for secrets alone", () => {
    expect(load({ PARAPET_STORE_FILE: "x" }).warnings).toHaveLength(1);
  });
});

describe("the YAML file", () => {
  const yaml = ["auth:", "  jwtExpiry: 2h", "  admin_username: root", "rateLimit: { enabled: false, requests: 7 }", "cors:", "  origins: [https://a.example, https://b.example]"].join("\n");

  it("names variables by path", () => {
    const { config, sources } = load({}, { "p.yaml": yaml }, ["--config", "p.yaml"]);
    expect(config).toMatchObject({ authJwtExpiryMs: 7_200_000, authAdminUsername: "root", rateLimitEnabled: false, rateLimitRequests: 7, corsOrigins: ["https://a.example", "https://b.example"] });
    expect(sources.authJwtExpiryMs).toContain("p.yaml (auth.jwtExpiry)");
  });

  it("yields to the environment", () => {
    expect(load({ PARAPET_AUTH_JWT_EXPIRY: "3h", PARAPET_CONFIG: "p.yaml" }, { "p.yaml": yaml }).config.authJwtExpiryMs).toBe(10_800_000);
  });

  const broken: [what: string, text: string, problem: RegExp][] = [
    ["an unknown setting", "auth: { colour: red }", /auth\.colour.*no such setting/],
    ["a near miss", "auth: { jwtSecrt: x }", /did you mean PARAPET_AUTH_JWT_SECRET/],
    ["something else than YAML", "auth: {\nsecret: [", /not YAML/],
    ["a repeated setting", "store: lmdb\nstore: memory", /not YAML \(duplicate_key in line 2\)/],
    ["a list as root", "- a", /a map of settings/],
    ["two spellings that differ", "auth: { jwtExpiry: 1h }\nauth_jwt_expiry: 2h", /differ/],
  ];
  it.each(broken)("with %s is refused", (_, text, problem) => {
    expect(problemsOf({}, { "p.yaml": text }, ["--config=p.yaml"]).join("\n")).toMatch(problem);
  });

  it("that is missing is refused", () => {
    expect(problemsOf({}, {}, ["--config", "none.yaml"])).toEqual([expect.stringContaining("no such file")]);
  });

  it("does not show its secrets where it does not parse", () => {
    expect(problemsOf({}, { "p.yaml": "auth:\n  jwtSecret: 'hunter2\n" }, ["--config", "p.yaml"]).join()).not.toContain("hunter2");
  });
});

describe("the .env file", () => {
  it("stands behind the environment and before the YAML file", () => {
    const files = { ".env": "PARAPET_RATE_LIMIT_BURST=2\nPARAPET_STORE=memory\n", "p.yaml": "rateLimit: { burst: 1 }" };
    expect(load({ PARAPET_STORE: "lmdb" }, files, ["--config", "p.yaml"]).config).toMatchObject({ rateLimitBurst: 2, store: "lmdb" });
  });

  it("is not read in production", () => {
    expect(load(production, { ".env": "PARAPET_RATE_LIMIT_BURST=2\n" }).config.rateLimitBurst).toBe(50);
  });

  it("cannot switch production on", () => {
    expect(problemsOf({}, { ".env": "PARAPET_PRODUCTION=true\n" }).join("\n")).toContain("`.env` is not read in production");
  });
});

describe("values that contradict each other", () => {
  const cases: [env: Env, problem: RegExp][] = [
    [{ PARAPET_AUTH_ENABLED: "false", PARAPET_ADDR: ":80" }, /PARAPET_AUTH_ENABLED=false.*loopback/],
    [{ PARAPET_KEY_DIR: "d/keys", PARAPET_DATA_DIR: "d" }, /lies in the data directory/],
    [{ PARAPET_KEY_DIR: "d", PARAPET_DATA_DIR: "d/data" }, /lies in the key directory/],
    [{ MDDB_TLS_ENABLED: "true" }, /TLS is not built yet/],
    [{ PARAPET_STORE_BYTES_MAX: "60MiB" }, /PARAPET_STORE_BYTES_RESERVED=32MiB.*at most half of PARAPET_STORE_BYTES_MAX, which is 60MiB/],
  ];
  it.each(cases)("%o are refused", (env, problem) => {
    expect(problemsOf(env).join("\n")).toMatch(problem);
  });

  it("do not include sibling directories with a common beginning", () => {
    expect(problemsOf({ PARAPET_KEY_DIR: "data-keys", PARAPET_DATA_DIR: "data" })).toEqual([]);
  });
});

describe("production mode", () => {
  it("starts with every safeguard, a strict password policy and private metrics", () => {
    const { config } = load(production);
    expect(config).toMatchObject({ authPasswordPolicy: "strict", metricsPublic: false });
    expect(productionChecklist(config).filter(({ satisfied }) => !satisfied)).toEqual([]);
  });

  const cases: [env: Env, control: string][] = [
    [{ PARAPET_AUTH_ENABLED: "false" }, "authentication"],
    [{ PARAPET_TLS_INSECURE_OK: "false" }, "transport_encryption"],
    [{ MDDB_CORS_ORIGIN: "*" }, "cors"],
    [{ MDDB_AUDIT_ENABLED: "false" }, "audit"],
    [{ MDDB_RATE_LIMIT_ENABLED: "false" }, "rate_limit"],
    [{ PARAPET_STORE: "memory" }, "durable_store"],
  ];
  it.each(cases)("does not start with %o", (env, control) => {
    expect(problemsOf({ ...production, ...env }).join("\n")).toContain(`needs ${control}: `);
    const { config } = load(env);
    expect(productionChecklist(config)).toContainEqual(expect.objectContaining({ name: control, satisfied: false }));
  });
});

describe("what is printed", () => {
  it("never holds a secret", () => {
    const printed = describeConfig(load({ PARAPET_AUTH_JWT_SECRET: secret, PARAPET_AUTH_ADMIN_PASSWORD: "changeme", PARAPET_ADDR: "[::1]:9" }));
    expect(printed).not.toContain(secret);
    expect(printed).not.toContain("changeme");
    expect(printed).toContain("PARAPET_AUTH_JWT_SECRET=[redacted]");
    expect(printed).toMatch(/^PARAPET_ADDR=\[::1\]:9 +# environment$/m);
  });

  it("reads back as the same configuration", () => {
    const before = load({ PARAPET_TRUSTED_PROXIES: "10.0.0.0/8,::1", PARAPET_AUTH_JWT_EXPIRY: "90m", PARAPET_MESSAGE_BYTES_MAX: "1536KiB" });
    const lines = describeConfig(before).trimEnd().split("\n").map((line) => line.replace(/ +#.*$/, "").split("=") as [string, string]);
    expect(load(Object.fromEntries(lines)).config).toEqual(before.config);
  });

  it("includes a row of the reference for every variable and alias", () => {
    const table = variablesMarkdown();
    for (const name of ["PARAPET_ADDR", "PARAPET_LOG_LEVEL", "PARAPET_AUTH_JWT_SECRET_FILE", "MDDB_PRODUCTION"]) expect(table).toContain(`\`${name}\``);
    for (const line of table.trimEnd().split("\n")) expect(line.split("|")).toHaveLength(6);
  });
});

describe("the number of worker processes", () => {
  it("comes from the arguments before the environment, and is one where nobody says", () => {
    expect(load({}).config.workers).toBe(1);
    expect(load({ PARAPET_WORKERS: "2" }).config.workers).toBe(2);
    const { config, sources } = load({ PARAPET_WORKERS: "2" }, undefined, ["--workers", "3"]);
    expect([config.workers, sources.workers]).toEqual([3, "--workers"]);
    expect(load({}, undefined, ["--workers=4"]).config.workers).toBe(4);
  });

  it("is refused where it is no number, is missing, or has no store to share", () => {
    expect(problemsOf({}, undefined, ["--workers", "many"])).toEqual([expect.stringContaining("a whole number from 1 to 64")]);
    expect(problemsOf({}, undefined, ["--workers"])).toEqual(["--workers: wanted how many processes serve the port"]);
    expect(problemsOf({}, undefined, ["--worker", "2"])).toEqual([expect.stringContaining('unknown argument "--worker"'), expect.stringContaining('"2"')]);
    expect(problemsOf({ PARAPET_WORKERS: "2", PARAPET_STORE: "memory" })).toEqual([expect.stringContaining("wanted PARAPET_STORE=lmdb, it is memory")]);
    expect(problemsOf({ PARAPET_WORKERS: "1", PARAPET_STORE: "memory" })).toEqual([]);
  });
});
