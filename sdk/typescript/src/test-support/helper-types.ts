/** What the types of the helpers allow, and what must not compile. Nothing here runs. */
import { type ParapetClient, paginate, result } from "../connect/index.js";
import { paginate as restPaginate, type RestClient, result as restResult, stream as restStream } from "../rest/index.js";

/** Compiles, or the types of the helpers are wrong. */
export async function typed(client: ParapetClient, rest: RestClient): Promise<string[]> {
  const got = await result(client.documents.get, { collection: "c", key: "k" });
  const seen: string[] = [];
  if (!got.ok) {
    switch (got.error.reason) {
      case "DOCUMENT_NOT_FOUND":
        return seen;
      // @ts-expect-error not a reason of this method
      case "LAST_ADMIN":
        return seen;
    }
  }
  // @ts-expect-error what does not page
  paginate(client.documents.get, { collection: "c", key: "k" });
  // @ts-expect-error a request of another method
  paginate(client.documents.search, { username: "u" });
  for await (const item of paginate(client.auth.listUsers, {})) seen.push(item.username);
  // @ts-expect-error what does not page
  restPaginate(rest, "get", "/health");
  // @ts-expect-error what does not stream
  restStream(rest, "get", "/health");
  // @ts-expect-error a path that must be filled in
  void restResult(rest, "get", "/v1/collections/{collection}/documents/{key}");
  const refused = await restResult(rest, "delete", "/v1/auth/users/{username}", { params: { path: { username: "u" } }, timeoutMs: 500 });
  if (!refused.ok && refused.error.reason === "LAST_ADMIN") return seen;
  // @ts-expect-error not a reason of this operation
  if (!refused.ok && refused.error.reason === "ETAG_MISMATCH") return seen;
  for await (const user of restPaginate(rest, "get", "/v1/auth/users")) seen.push(user.username ?? "");
  for await (const document of restStream(rest, "post", "/v1/export", { body: { collection: "c" } })) seen.push(document.key);
  return seen;
}
