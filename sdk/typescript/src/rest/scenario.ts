/** A walk through the REST side, typed by the published OpenAPI document: if the document and the server part ways, this stops compiling or running. */
import { createRestClient, ParapetError, type Problem, unwrap } from "./index.js";

/** Where to walk, and as whom. */
export interface ScenarioOptions {
  readonly baseUrl: string;
  readonly adminUser: string;
  readonly adminPassword: string;
  /** Makes the names of this walk unlike those of any other. */
  readonly suffix: string;
}

/** What the walk saw. */
export interface ScenarioReport {
  /** Steps that were taken, in order. */
  readonly steps: readonly string[];
  /** The problem of a document that is not there. */
  readonly missing: Problem;
  /** The problem of an update with an etag that has passed. */
  readonly stale: Problem;
  /** The error of an update by somebody who may only read. */
  readonly refused: ParapetError;
}

/** Logs in, registers, grants, adds, gets, searches, updates with If-Match, deletes. Throws ParapetError where a step fails that must not. */
export async function runScenario({ baseUrl, adminUser, adminPassword, suffix }: ScenarioOptions): Promise<ScenarioReport> {
  const steps: string[] = [];
  const collection = `notes-${suffix}`;
  const reader = `reader-${suffix}`;
  const password = `walk through ${suffix}`;
  const path = { collection, key: "first/ü" };

  const login = (username: string, secret: string) => async () => unwrap(createRestClient({ baseUrl }).POST("/v1/auth/login", { body: { username, password: secret } }));
  const admin = createRestClient({ baseUrl, token: login(adminUser, adminPassword) });
  steps.push(`logged in as ${(await unwrap(admin.GET("/v1/auth/me"))).username}`);

  await unwrap(admin.POST("/v1/auth/register", { body: { username: reader, password } }));
  const granted = await unwrap(admin.POST("/v1/auth/permissions", { body: { username: reader, collection, read: true } }));
  steps.push(`granted read ${granted.read}, write ${granted.write}`);

  const added = await unwrap(admin.POST("/v1/add", { body: { ...path, contentMd: "# One", meta: { tag: ["a", "b"] } } }));
  steps.push(`added revision ${added.revision}`);

  const user = createRestClient({ baseUrl, token: login(reader, password) });
  const got = await unwrap(user.GET("/v1/collections/{collection}/documents/{key}", { params: { path } }));
  steps.push(`got ${got.contentMd}`);
  const found = await unwrap(user.POST("/v1/search", { body: { collection, filterMeta: { tag: ["b"] } } }));
  steps.push(`found ${found.totalSize}`);

  const etag = (value: string | undefined): string => `"${value ?? ""}"`;
  const updated = await unwrap(
    admin.PATCH("/v1/collections/{collection}/documents/{key}", { params: { path, header: { "If-Match": etag(added.etag) } }, body: { contentMd: "# Two" } }),
  );
  steps.push(`updated to revision ${updated.revision}`);
  const late = await admin.PATCH("/v1/collections/{collection}/documents/{key}", { params: { path, header: { "If-Match": etag(added.etag) } }, body: { contentMd: "# Three" } });
  const stale = problemOf(late);

  const refused = await failureOf(unwrap(user.PATCH("/v1/collections/{collection}/documents/{key}", { params: { path }, body: { contentMd: "# Mine" } })));

  const deleted = await unwrap(admin.DELETE("/v1/collections/{collection}/documents/{key}", { params: { path } }));
  steps.push(deleted.status);
  const missing = problemOf(await user.GET("/v1/collections/{collection}/documents/{key}", { params: { path } }));

  await unwrap(admin.DELETE("/v1/auth/users/{username}", { params: { path: { username: reader } } }));
  await unwrap(admin.DELETE("/v1/collections/{collection}", { params: { path: { collection }, query: { force: true } } }));
  steps.push("cleaned up");
  return { steps, missing, stale, refused };
}

function problemOf({ error, response }: { readonly error?: Problem; readonly response: Response }): Problem {
  if (error === undefined) throw new Error(`a refusal was expected, HTTP ${response.status} came`);
  return error;
}

async function failureOf(call: Promise<unknown>): Promise<ParapetError> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof ParapetError) return error;
  throw error ?? new Error("a refusal was expected");
}
