/** A harmless request for every method of the contract: well formed, and without an effect that anybody would miss. */
import type { JsonObject } from "@bufbuild/protobuf";
import type { ContractMethod } from "../contract.js";

/** Names that samples refer to. */
export interface SampleNames {
  readonly collection: string;
  /** A user that exists, so that creating it again fails. */
  readonly existingUser: string;
  /** Begins names of what does not exist. */
  readonly absent: string;
  /** Unix seconds at which what a sample creates ends. */
  readonly expiresAt: number;
}

type Sample = (names: SampleNames) => JsonObject;

const ofDocument: Sample = ({ collection, absent }) => ({ collection, key: `${absent}-document` });
const ofCollection: Sample = ({ collection }) => ({ collection });
const nothing: Sample = () => ({});

/** By method; a method without a row gets the least request that its rules allow. */
const samples: Readonly<Record<string, Sample>> = {
  "AuthService/Login": ({ absent }) => ({ username: `${absent}-user`, password: "wrong" }),
  "AuthService/GetMe": nothing,
  "AuthService/ChangePassword": () => ({ currentPassword: "wrong", newPassword: "wrong as well" }),
  "AuthService/Register": ({ existingUser }) => ({ username: existingUser, password: "not used, for the user exists" }),
  "AuthService/UpdateUser": ({ absent }) => ({ username: `${absent}-user`, disabled: true }),
  "AuthService/DeleteUser": ({ absent }) => ({ username: `${absent}-user` }),
  "AuthService/CreateApiKey": ({ absent, expiresAt }) => ({ description: absent, expiresAt }),
  "AuthService/DeleteApiKey": ({ absent }) => ({ id: `${absent}-key` }),
  "AuthService/SetPermission": ({ absent, collection }) => ({ username: `${absent}-user`, collection, read: true }),
  "AuthService/ListPermissions": ({ existingUser }) => ({ username: existingUser }),
  "AuthService/DeletePermission": ({ absent, collection }) => ({ username: `${absent}-user`, collection }),
  "DocumentService/Add": ({ collection, absent }) => ({ collection, key: `${absent}-added`, contentMd: "# Added", ttl: "60s" }),
  "DocumentService/AddBatch": ({ collection, absent }) => ({ collection, documents: [{ key: `${absent}-added`, contentMd: "# Added", ttl: "60s" }] }),
  "DocumentService/Get": ofDocument,
  "DocumentService/Search": ofCollection,
  "DocumentService/Update": ({ collection, absent }) => ({ collection, key: `${absent}-document`, contentMd: "# Changed" }),
  "DocumentService/Delete": ofDocument,
  "DocumentService/DeleteBatch": ({ collection, absent }) => ({ collection, documents: [{ key: `${absent}-document` }] }),
  "DocumentService/Export": ofCollection,
  "DocumentService/ExportArchive": ofCollection,
  "DocumentService/Import": ({ collection, absent }) => ({ collection, document: { key: `${absent}-added`, contentMd: "# Added" } }),
  "DocumentService/ListRevisions": ofDocument,
  "DocumentService/RestoreRevision": ({ collection, absent }) => ({ collection, key: `${absent}-document`, revision: 1 }),
  "DocumentService/GetStats": ofCollection,
  "DocumentService/GetChecksum": ofCollection,
  "DocumentService/GetCollection": ofCollection,
  "DocumentService/UpdateCollection": ({ collection }) => ({ collection, config: { description: "made by a conformance run" } }),
  // Not empty, so it stays.
  "DocumentService/DeleteCollection": ({ collection }) => ({ collection, force: false }),
  "AuditService/ListAuditRecords": () => ({ limit: 1 }),
  "SystemService/SetLimitOverride": ({ absent }) => ({ subject: `user:${absent}-user`, requests: 100, burst: 50, lifetime: "1s" }),
  "SystemService/DeleteLimitOverride": ({ absent }) => ({ id: `${absent}-override` }),
};

/** The sample request of a method. */
export function sampleOf(method: ContractMethod, names: SampleNames): JsonObject {
  return (samples[method.name] ?? (() => withCollection(method, names)))(names);
}

/** The generated request of a method, on the collection of the run. */
function withCollection({ facts }: ContractMethod, { collection }: SampleNames): JsonObject {
  const request = { ...(facts.request as JsonObject | null) };
  return facts.resourceField === "collection" ? { ...request, collection } : request;
}
