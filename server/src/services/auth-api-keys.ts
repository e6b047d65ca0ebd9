/** The methods of AuthService that make, list and revoke API keys. */
import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import { type AuthService, CreateApiKeyResponseSchema, DeleteApiKeyResponseSchema, type KeyScope } from "@parapet/contract/parapet/auth/v1/auth_service_pb";
import { type Call, callOf, CredentialKind, type Principal, principalOf } from "../call.js";
import { fail, Reason } from "../errors.js";
import type { UserRecord } from "../identity/accounts.js";
import type { ApiKeyRecord } from "../identity/api-key-rows.js";
import { hashOfApiKey, idOfApiKey, makeApiKey } from "../identity/api-keys.js";
import { requireWellFormed } from "../identity/well-formed.js";
import { apiKeysPerUserMax, authPageSizeDefault } from "../limits.js";
import { bitsOf, covers, describeGrants, flagsOf } from "../policy/grants.js";
import type { Grants } from "../policy/rights.js";
import type { AuthServiceOptions } from "./auth-service.js";

type ApiKeyMethods = Pick<ServiceImpl<typeof AuthService>, "createApiKey" | "listApiKeys" | "deleteApiKey">;

/** Makes the three methods. */
export function createApiKeyMethods({ identity, commit, pageTokens }: AuthServiceOptions): ApiKeyMethods {
  const { store, accounts, apiKeys, directory, randomBytes } = identity;

  /** The key that makes this call, if one does. */
  const ownKey = ({ credential }: Call): ApiKeyRecord | undefined => (credential.kind === CredentialKind.API_KEY ? directory.apiKey(credential.id) : undefined);

  return {
    createApiKey({ description, expiresAt, scopes }, context) {
      const call = callOf(context);
      const principal = principalOf(context);
      requireWellFormed({ description, ...Object.fromEntries(scopes.map(({ collection }, index) => [`scopes[${index}].collection`, collection])) });
      const minter = ownKey(call);
      const scope = scopeOf(scopes, principal, minter);
      if (minter !== undefined && minter.expiresAt !== 0 && (expiresAt === 0 || expiresAt > minter.expiresAt)) {
        throw fail(Reason.GRANT_EXCEEDED, {}, { message: "a key cannot make one that outlives it" });
      }
      const { text, prefix, last4 } = makeApiKey(randomBytes);
      const sha256 = hashOfApiKey(text);
      const id = idOfApiKey(sha256);
      const createdAt = Math.floor(identity.nowMs() / 1_000);
      return commit(call, (tx) => {
        if (accounts.user(tx, principal.id) === undefined) throw fail(Reason.USER_NOT_FOUND);
        if (apiKeys.hasApiKeys(tx, principal.id, apiKeysPerUserMax)) {
          throw fail(Reason.TOO_MANY_API_KEYS, { keysMax: String(apiKeysPerUserMax) }, { message: `a user may have at most ${apiKeysPerUserMax} API keys: delete one first` });
        }
        apiKeys.putApiKey(tx, { id, sha256, userId: principal.id, description, prefix, last4, createdAt, expiresAt, lastUsedAt: 0, scope });
        call.audit.resource = `api-keys/${id}`;
        call.audit.notes.push(
          { name: "user", value: `users/${principal.id}` },
          { name: "scope_after", value: scope === undefined ? "all of its user" : describeGrants(scope) },
          { name: "expires_at", value: String(expiresAt) },
        );
        return create(CreateApiKeyResponseSchema, { key: text, description, expiresAt, createdAt });
      }, "grows");
    },

    listApiKeys({ username, pageSize, pageToken }, context) {
      const principal = principalOf(context);
      const own = username === "" || username === principal.name;
      if (!own && !principal.admin) throw fail(Reason.ADMIN_REQUIRED);
      const user = own ? accounts.user(store, principal.id) : accounts.userByName(store, username);
      if (user === undefined) throw fail(Reason.USER_NOT_FOUND);
      const scope = JSON.stringify([accounts.tenant, principal.id, user.id]);
      const from = pageToken === "" ? undefined : pageTokens.open("api-keys", scope, pageToken);
      const { rows, next } = apiKeys.listApiKeys(store, user.id, pageSize || authPageSizeDefault, from);
      return {
        apiKeys: rows.map((key) => messageOf(key, user, directory.lastUsedAt(key))),
        nextPageToken: next === undefined ? "" : pageTokens.seal("api-keys", scope, next),
      };
    },

    deleteApiKey({ id }, context) {
      const call = callOf(context);
      const principal = principalOf(context);
      return commit(call, (tx) => {
        const key = apiKeys.apiKey(tx, id);
        // Other users' keys look like absent ones.
        if (key === undefined || (key.userId !== principal.id && !principal.admin)) throw fail(Reason.API_KEY_NOT_FOUND);
        apiKeys.removeApiKey(tx, key);
        call.audit.resource = `api-keys/${id}`;
        call.audit.notes.push(
          { name: "user", value: `users/${key.userId}` },
          { name: "scope_before", value: key.scope === undefined ? "all of its user" : describeGrants(key.scope) },
        );
        return create(DeleteApiKeyResponseSchema, { status: "deleted" });
      });
    },
  };
}

/**
 * The scope of a new key: what was asked for, within what the caller may now; without a wish, that of the key that makes it,
 * so that no key makes a broader one even when its user's rights grow later (AZ-10). Throws GRANT_EXCEEDED.
 */
function scopeOf(scopes: readonly KeyScope[], principal: Principal, minter: ApiKeyRecord | undefined): Grants | undefined {
  if (scopes.length === 0) return minter?.scope;
  const wanted = new Map<string, number>();
  for (const { collection, ...flags } of scopes) wanted.set(collection, (wanted.get(collection) ?? 0) | bitsOf(flags));
  if (!covers(principal.grants, wanted)) throw fail(Reason.GRANT_EXCEEDED);
  return wanted;
}

function messageOf({ id, description, prefix, last4, expiresAt, createdAt, scope }: ApiKeyRecord, { name }: UserRecord, lastUsedAt: number) {
  const scopes = [...(scope ?? [])].map(([collection, bits]) => ({ collection, ...flagsOf(bits) }));
  return { id, username: name, description, prefix, last4, expiresAt, createdAt, lastUsedAt, scopes };
}
