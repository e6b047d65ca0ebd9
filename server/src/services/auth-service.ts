/** AuthService: users, credentials and grants. */
import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  type AuthService,
  ChangePasswordResponseSchema,
  DeletePermissionResponseSchema,
  DeleteUserResponseSchema,
  PermissionSchema,
  RegisterResponseSchema,
  SetPermissionResponseSchema,
  UpdateUserResponseSchema,
  UserSchema,
} from "@parapet/contract/parapet/auth/v1/auth_service_pb";
import { type Call, callOf, CredentialKind, principalOf } from "../call.js";
import { fail, Reason } from "../errors.js";
import type { Commit } from "../gate/transact.js";
import type { UserRecord } from "../identity/accounts.js";
import type { Account } from "../identity/directory.js";
import type { Identity } from "../identity/identity.js";
import { requireWellFormed } from "../identity/well-formed.js";
import { isWellFormed } from "../unicode.js";
import { authPageSizeDefault } from "../limits.js";
import { bitsOf, covers, describeBits, describeGrants, flagsOf, isServerAdmin } from "../policy/grants.js";
import { ADMIN, everyCollection } from "../policy/rights.js";
import type { PageTokens } from "../store/page-token.js";
import type { Reader } from "../store/store.js";
import { createApiKeyMethods } from "./auth-api-keys.js";

/** What AuthService needs. */
export interface AuthServiceOptions {
  readonly identity: Identity;
  readonly commit: Commit;
  readonly pageTokens: PageTokens;
  /** Told the name of a user whose password changed, or who is gone, after the change is durable. */
  readonly onPasswordChanged?: (username: string) => void;
}

/** Makes the service. Every change is one transaction with its audit record; records name users by their opaque ids. */
export function createAuthService(options: AuthServiceOptions): ServiceImpl<typeof AuthService> {
  const { identity, commit, pageTokens, onPasswordChanged = () => undefined } = options;
  const { store, accounts, apiKeys, directory, tokens, passwords, newId } = identity;
  const nowSeconds = (): number => Math.floor(identity.nowMs() / 1_000);

  /** The user of a name, as `reader` sees it. Throws USER_NOT_FOUND. */
  const userNamed = (reader: Reader, name: string): UserRecord => {
    const user = accounts.userByName(reader, name);
    if (user === undefined) throw fail(Reason.USER_NOT_FOUND);
    return user;
  };

  /** Throws LAST_ADMIN if nobody would administer the server without this user. */
  const requireOtherAdmin = (reader: Reader, user: UserRecord): void => {
    if (!user.disabled && isServerAdmin(accounts.grantsOf(reader, user.id)) && !accounts.hasOtherAdmin(reader, user.id)) throw fail(Reason.LAST_ADMIN);
  };

  /** Who a name and a password prove, or undefined. Unknown, disabled and wrong cost the same (AN-27, AN-28). */
  const prove = async (call: Call, username: string, password: string): Promise<Account | undefined> => {
    const claimed = directory.accountByName(username);
    const enabled = claimed?.user.disabled === false ? claimed.user : undefined;
    const opened = await passwords.verify(enabled?.passwordHash, password);
    if (enabled === undefined || !opened) {
      call.audit.notes.push({ name: "cause", value: claimed === undefined ? "unknown user" : enabled === undefined ? "disabled user" : "wrong password" });
      return undefined;
    }
    // The user may have changed while the hash was computed.
    const account = directory.account(enabled.id);
    return account !== undefined && !account.user.disabled && account.user.passwordHash === enabled.passwordHash ? account : undefined;
  };

  return {
    async login({ username, password }, context) {
      const call = callOf(context);
      call.audit.claimedName = username;
      const account = await prove(call, username, password);
      if (account === undefined) throw fail(Reason.LOGIN_FAILED);
      const { user, principal } = account;
      const issued = await tokens.issue(user.id, user.tokenGeneration);
      call.tenant = principal.tenant;
      call.principal = principal;
      call.credential = { kind: CredentialKind.PASSWORD, id: "" };
      call.audit.resource = `users/${user.id}`;
      call.audit.notes.push({ name: "token_id", value: issued.tokenId });
      return { token: issued.token, expiresAt: issued.expiresAt };
    },

    getMe(_request, context) {
      const { id, name, admin } = principalOf(context);
      return { username: name, admin, createdAt: directory.account(id)?.user.createdAt ?? 0 };
    },

    async changePassword({ currentPassword, newPassword }, context) {
      const call = callOf(context);
      const { id, name } = principalOf(context);
      call.audit.resource = `users/${id}`;
      passwords.requireAcceptable("new_password", newPassword);
      const account = await prove(call, name, currentPassword);
      if (account === undefined || account.user.id !== id) throw fail(Reason.LOGIN_FAILED);
      const passwordHash = await passwords.hash(newPassword);
      const response = await commit(call, (tx) => {
        const user = accounts.user(tx, id);
        if (user === undefined || user.disabled || user.passwordHash !== account.user.passwordHash) throw fail(Reason.LOGIN_FAILED);
        accounts.putUser(tx, withPassword(user, passwordHash, ownTokenId(call)));
        return create(ChangePasswordResponseSchema, { status: "changed" });
      });
      onPasswordChanged(name);
      return response;
    },

    async register({ username, password }, context) {
      const call = callOf(context);
      requireWellFormed({ username });
      passwords.requireAcceptable("password", password);
      if (accounts.userByName(store, username) !== undefined) throw fail(Reason.USER_EXISTS);
      const passwordHash = await passwords.hash(password);
      const id = newId("usr");
      const createdAt = nowSeconds();
      return commit(call, (tx) => {
        if (accounts.userByName(tx, username) !== undefined) throw fail(Reason.USER_EXISTS);
        accounts.putUser(tx, { id, name: username, passwordHash, createdAt, disabled: false, tokenGeneration: 0, keptTokenId: "" });
        call.audit.resource = `users/${id}`;
        return create(RegisterResponseSchema, { username, createdAt });
      }, "grows");
    },

    listUsers({ pageSize, pageToken }, context) {
      const scope = JSON.stringify([accounts.tenant, principalOf(context).id]);
      const from = pageToken === "" ? undefined : pageTokens.open("users", scope, pageToken);
      const { rows, next } = accounts.listUsers(store, pageSize || authPageSizeDefault, from);
      return {
        users: rows.map((user) => messageOf(user, isServerAdmin(accounts.grantsOf(store, user.id)))),
        nextPageToken: next === undefined ? "" : pageTokens.seal("users", scope, next),
      };
    },

    async updateUser({ username, disabled, password }, context) {
      const call = callOf(context);
      const caller = principalOf(context);
      call.audit.resource = `users/${userNamed(store, username).id}`;
      if (password !== undefined) passwords.requireAcceptable("password", password);
      const passwordHash = password === undefined ? undefined : await passwords.hash(password);
      const response = await commit(call, (tx) => {
        const before = userNamed(tx, username);
        let user = before;
        if (passwordHash !== undefined) user = withPassword(user, passwordHash, user.id === caller.id ? ownTokenId(call) : "");
        if (disabled === true && !before.disabled) {
          requireOtherAdmin(tx, before);
          // Enabling the user again must not bring back the tokens of before.
          user = { ...user, disabled, tokenGeneration: user.tokenGeneration + 1, keptTokenId: "" };
        } else if (disabled === false) {
          user = { ...user, disabled };
        }
        accounts.putUser(tx, user);
        call.audit.resource = `users/${user.id}`;
        call.audit.notes.push({ name: "disabled_before", value: String(before.disabled) }, { name: "disabled_after", value: String(user.disabled) });
        if (passwordHash !== undefined) call.audit.notes.push({ name: "password", value: "changed" });
        return create(UpdateUserResponseSchema, { user: messageOf(user, isServerAdmin(accounts.grantsOf(tx, user.id))) });
      });
      if (passwordHash !== undefined) onPasswordChanged(username);
      return response;
    },

    async deleteUser({ username }, context) {
      const call = callOf(context);
      const response = await commit(call, (tx) => {
        const user = userNamed(tx, username);
        requireOtherAdmin(tx, user);
        call.audit.resource = `users/${user.id}`;
        call.audit.notes.push({ name: "grants_before", value: describeGrants(accounts.grantsOf(tx, user.id)) });
        accounts.removeUser(tx, user);
        call.audit.notes.push({ name: "api_keys_removed", value: String(apiKeys.removeApiKeysOf(tx, user.id)) });
        return create(DeleteUserResponseSchema, { status: "deleted" });
      });
      onPasswordChanged(username);
      return response;
    },

    ...createApiKeyMethods(options),

    setPermission({ username, collection, ...flags }, context) {
      const call = callOf(context);
      requireWellFormed({ collection });
      const bits = bitsOf(flags);
      if (!covers(principalOf(context).grants, new Map([[collection, bits]]))) throw fail(Reason.GRANT_EXCEEDED);
      return commit(call, (tx) => {
        const user = userNamed(tx, username);
        const before = accounts.grantsOf(tx, user.id).get(collection) ?? 0;
        if (collection === everyCollection && before & ADMIN && !(bits & ADMIN)) requireOtherAdmin(tx, user);
        accounts.setGrant(tx, user.id, collection, bits);
        noteGrant(call, user, collection, before, bits);
        return create(SetPermissionResponseSchema, { permission: permissionOf(user, collection, bits) });
      });
    },

    listPermissions({ username }, context) {
      const user = userNamed(store, username);
      callOf(context).audit.resource = `users/${user.id}/permissions`;
      return { permissions: [...accounts.grantsOf(store, user.id)].map(([collection, bits]) => permissionOf(user, collection, bits)) };
    },

    deletePermission({ username, collection }, context) {
      const call = callOf(context);
      return commit(call, (tx) => {
        const user = userNamed(tx, username);
        const before = isWellFormed(collection) ? accounts.grantsOf(tx, user.id).get(collection) : undefined;
        if (before === undefined) throw fail(Reason.PERMISSION_NOT_FOUND);
        if (collection === everyCollection && before & ADMIN) requireOtherAdmin(tx, user);
        accounts.setGrant(tx, user.id, collection, 0);
        noteGrant(call, user, collection, before, 0);
        return create(DeletePermissionResponseSchema, { status: "deleted" });
      });
    },
  };
}

/** A new password voids all tokens but one. */
function withPassword(user: UserRecord, passwordHash: string, keptTokenId: string): UserRecord {
  return { ...user, passwordHash, tokenGeneration: user.tokenGeneration + 1, keptTokenId };
}

/** The token that makes this call; empty if it is made with something else. */
function ownTokenId({ credential }: Call): string {
  return credential.kind === CredentialKind.TOKEN ? credential.id : "";
}

function noteGrant(call: Call, user: UserRecord, collection: string, before: number, after: number): void {
  call.audit.resource = `users/${user.id}/permissions/${collection.replaceAll("%", "%25").replaceAll("/", "%2F")}`;
  call.audit.notes.push({ name: "rights_before", value: describeBits(before) }, { name: "rights_after", value: describeBits(after) });
}

function messageOf({ id, name, disabled, createdAt }: UserRecord, admin: boolean) {
  return create(UserSchema, { id, username: name, admin, disabled, createdAt });
}

function permissionOf({ name }: UserRecord, collection: string, bits: number) {
  return create(PermissionSchema, { username: name, collection, ...flagsOf(bits) });
}
