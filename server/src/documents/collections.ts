/** Collections: their configuration, counts and checksum, and which of them a principal sees. */
import { toJsonString } from "@bufbuild/protobuf";
import { CollectionConfigSchema, type Collection, type CollectionConfig } from "@parapet/contract/parapet/document/v1/document_pb";
import type { GetChecksumResponse, GetStatsResponse } from "@parapet/contract/parapet/document/v1/document_service_pb";
import { fail, Reason } from "../errors.js";
import { purgeRowsMax } from "../limits.js";
import { everyCollection, READ, rightsOn, type Grants } from "../policy/rights.js";
import { after, kinds, pack, unpackBytes } from "../store/keys.js";
import type { Reader, Store, Transaction } from "../store/store.js";
import { subtractDigest } from "./checksum.js";
import { idBehind, timeBytes, type CollectionKeys } from "./collection-keys.js";
import { newCollection, readCollection, saveCollection, type CollectionState } from "./collection-row.js";
import { headOf } from "./document-row.js";
import { countExpired } from "./expiry.js";
import { scanKeys } from "./scan.js";
import { rowOf } from "./find.js";
import { compareCodePoints } from "./text.js";
import { timestampOf } from "./times.js";

/** What collections need. */
export interface CollectionsOptions {
  readonly store: Store;
  readonly nowMs: () => number;
  readonly keysOf: (tenant: string, collection: string) => CollectionKeys;
}

/** A page of collections. */
export interface CollectionPage {
  readonly collections: Collection[];
  /** Name of the last one; undefined if no more follow. */
  readonly next: string | undefined;
}

/** What an update of a collection did. */
export interface Configured {
  readonly collection: Collection;
  /** The configuration before as JSON; empty if the collection was made. */
  readonly before: string;
  readonly after: string;
}

/** Collections of one store. */
export interface Collections {
  /** The collection. Throws COLLECTION_NOT_FOUND. */
  get(keys: CollectionKeys, signal: AbortSignal): Promise<Collection>;
  /** Collections of a tenant that somebody with these grants may read, in the order of their names, behind the name `behind`. */
  list(tenant: string, grants: Grants, behind: string | undefined, size: number, signal: AbortSignal): Promise<CollectionPage>;
  /** Sets the configuration, and makes the collection where there is none. */
  configure(tx: Transaction, keys: CollectionKeys, config: CollectionConfig): Configured;
  /** Counts of one collection, or of all of a tenant. Revisions and bytes count what expired until it is swept. */
  stats(tenant: string, only: CollectionKeys | undefined, signal: AbortSignal): Promise<GetStatsResponse>;
  /** The checksum of what a collection serves now; see `addDigest`. Throws COLLECTION_NOT_FOUND. */
  checksum(keys: CollectionKeys, signal: AbortSignal): Promise<GetChecksumResponse>;
}

/** The failure of a call that names a collection that is not there. */
export function collectionNotFound({ collection }: CollectionKeys): Error {
  return fail(Reason.COLLECTION_NOT_FOUND, { collection });
}

/** Makes the collections of a store. */
export function createCollections({ store, nowMs, keysOf }: CollectionsOptions): Collections {
  const onSnapshot = async <T>(work: (reader: Reader) => Promise<T>): Promise<T> => {
    const snapshot = store.snapshot();
    try {
      return await work(snapshot);
    } finally {
      snapshot.close();
    }
  };
  const shown = async (reader: Reader, keys: CollectionKeys, state: CollectionState, signal: AbortSignal): Promise<Collection> =>
    collectionOf(keys, state, state.documents - (await countExpired(reader, keys, nowMs(), signal)));

  return {
    get: (keys, signal) =>
      onSnapshot(async (reader) => {
        const state = readCollection(reader, keys);
        if (state === undefined) throw collectionNotFound(keys);
        return shown(reader, keys, state, signal);
      }),
    list: (tenant, grants, behind, size, signal) =>
      onSnapshot(async (reader) => {
        const readable = await readableNames(reader, tenant, grants, behind, size + 1, signal);
        const collections: Collection[] = [];
        for (const name of readable.slice(0, size)) {
          const keys = keysOf(tenant, name);
          collections.push(await shown(reader, keys, readCollection(reader, keys)!, signal));
        }
        return { collections, next: readable.length > size ? readable[size - 1] : undefined };
      }),
    configure(tx, keys, config) {
      const old = readCollection(tx, keys);
      const state = old ?? newCollection(nowMs());
      const before = old === undefined ? "" : toJsonString(CollectionConfigSchema, old.config);
      state.config = config;
      saveCollection(tx, keys, state);
      let expired = 0;
      // A transaction holds up everybody else, so of a great many the count that is shown waits for the sweep.
      for (const _ of tx.keys({ ...keys.expiredBy(nowMs()), limit: purgeRowsMax })) expired++;
      return { collection: collectionOf(keys, state, state.documents - expired), before, after: toJsonString(CollectionConfigSchema, config) };
    },
    stats: (tenant, only, signal) =>
      onSnapshot(async (reader) => {
        const response: GetStatsResponse = { $typeName: "parapet.document.v1.GetStatsResponse", totalDocuments: 0, totalRevisions: 0, collections: [] };
        const all = only === undefined ? (await namesBehind(reader, tenant, undefined, signal, () => true)).map((name) => keysOf(tenant, name)) : [only];
        for (const keys of all) {
          const state = readCollection(reader, keys);
          if (state === undefined) continue;
          const documentCount = state.documents - (await countExpired(reader, keys, nowMs(), signal));
          response.totalDocuments += documentCount;
          response.totalRevisions += state.revisions;
          response.collections.push({
            $typeName: "parapet.document.v1.CollectionStats",
            name: keys.collection,
            documentCount,
            revisionCount: state.revisions,
            documentBytes: BigInt(state.bytes),
          });
        }
        return response;
      }),
    checksum: (keys, signal) =>
      onSnapshot(async (reader) => {
        const state = readCollection(reader, keys);
        if (state === undefined) throw collectionNotFound(keys);
        const { checksum } = state;
        let documentCount = state.documents;
        const expired = keys.expiredBy(nowMs());
        await scanKeys(reader, expired, signal, (key) => {
          subtractDigest(checksum, headOf(rowOf(reader, keys, idBehind(key, expired.gte.length + timeBytes))).digest);
          documentCount--;
          return true;
        });
        return { $typeName: "parapet.document.v1.GetChecksumResponse", collection: keys.collection, checksum: Buffer.from(checksum).toString("hex"), documentCount };
      }),
  };

  /** Names that the grants let somebody read, at most `most`; without a grant on all, no foreign name is even looked at. */
  async function readableNames(reader: Reader, tenant: string, grants: Grants, behind: string | undefined, most: number, signal: AbortSignal): Promise<string[]> {
    if (rightsOn(grants, everyCollection) & READ) {
      let left = most;
      return namesBehind(reader, tenant, behind, signal, () => --left > 0);
    }
    const granted = [...grants.keys()].filter((name) => name !== everyCollection && rightsOn(grants, name) & READ).sort(compareCodePoints);
    const names: string[] = [];
    for (const name of granted) {
      if (behind !== undefined && compareCodePoints(name, behind) <= 0) continue;
      if (reader.get(keysOf(tenant, name).row) === undefined) continue;
      names.push(name);
      if (names.length === most) break;
    }
    return names;
  }
}

function collectionOf({ collection }: CollectionKeys, state: CollectionState, documentCount: number): Collection {
  return { $typeName: "parapet.document.v1.Collection", name: collection, documentCount, createdAt: timestampOf(state.createdAtMs), config: state.config };
}

/** Names of a tenant's collections in order, behind `behind`, until `more` says no. */
async function namesBehind(reader: Reader, tenant: string, behind: string | undefined, signal: AbortSignal, more: () => boolean): Promise<string[]> {
  const prefix = pack([tenant, kinds.collection]);
  const gte = behind === undefined ? prefix : after(pack([tenant, kinds.collection, behind]));
  const names: string[] = [];
  await scanKeys(reader, { gte, lt: after(prefix) }, signal, (key) => {
    names.push(Buffer.from(unpackBytes(key, prefix.length).value).toString("utf8"));
    return more();
  });
  return names;
}
