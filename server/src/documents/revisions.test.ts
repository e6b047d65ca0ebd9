/** Earlier states of a document: none is lost, none is overwritten, and each can come back. */
import { describe, expect, it } from "vitest";
import { meta, reasonOf, startDocuments, type DocumentClient } from "../testing/document-fixture.js";

const name = { collection: "c", key: "k", lang: "en" };

async function write(client: DocumentClient, count: number): Promise<void> {
  for (let i = 1; i <= count; i++) await client.add({ ...name, contentMd: `state ${i}`, meta: meta({ n: [String(i)] }) });
}

describe("revisions", () => {
  it("come newest first, page by page, with the time their state was written", async () => {
    const { client, clock } = startDocuments();
    for (let i = 1; i <= 5; i++) {
      await client.add({ ...name, contentMd: `state ${i}` });
      clock.nowMs += 1_000;
    }
    const first = await client.listRevisions({ ...name, pageSize: 3 });
    expect(first.revisions.map(({ revision, contentMd }) => [revision, contentMd])).toEqual([[4, "state 4"], [3, "state 3"], [2, "state 2"]]);
    await client.add({ ...name, contentMd: "state 6" });
    const second = await client.listRevisions({ ...name, pageSize: 3, pageToken: first.nextPageToken });
    expect(second.revisions.map(({ revision }) => revision)).toEqual([1]);
    expect(second.nextPageToken).toBe("");
    expect(Number(first.revisions[0]!.createdAt!.seconds - second.revisions[0]!.createdAt!.seconds)).toBe(3);
  });

  it("belong to the document: a token of a deleted one does not serve its successor", async () => {
    const { client } = startDocuments();
    await write(client, 4);
    const { nextPageToken: pageToken } = await client.listRevisions({ ...name, pageSize: 1 });
    await client.delete(name);
    await write(client, 4);
    expect(await reasonOf(client.listRevisions({ ...name, pageToken }))).toBe("PAGE_TOKEN_INVALID");
  });

  it("are kept as many as the collection says, the newest", async () => {
    const { client } = startDocuments();
    await client.updateCollection({ collection: "c", config: { revisionsMax: 3 } });
    await write(client, 10);
    const numbers = async () => (await client.listRevisions(name)).revisions.map(({ revision }) => revision);
    expect(await numbers()).toEqual([9, 8, 7]);
    await client.updateCollection({ collection: "c", config: { revisionsMax: 5 } });
    await write(client, 1);
    expect(await numbers()).toEqual([10, 9, 8, 7]);
    await client.updateCollection({ collection: "c", config: { revisionsMax: 1 } });
    expect(await numbers()).toEqual([10, 9, 8, 7]);
    await write(client, 1);
    expect(await numbers()).toEqual([11]);
    expect((await client.getStats({ collection: "c" })).totalRevisions).toBe(1);
  });

  it("are a hundred where the collection says nothing", async () => {
    const { client } = startDocuments();
    await write(client, 105);
    const { revisions, nextPageToken } = await client.listRevisions({ ...name, pageSize: 1_000 });
    expect([revisions.length, revisions.at(-1)!.revision, nextPageToken]).toEqual([100, 5, ""]);
  });

  it("come back under a new number", async () => {
    const { client } = startDocuments();
    await write(client, 3);
    const { document: current } = await client.get(name);
    const { document } = await client.restoreRevision({ ...name, revision: 1, etag: current!.etag });
    expect(document).toMatchObject({ id: current!.id, revision: 4, contentMd: "state 1", meta: meta({ n: ["1"] }) });
    expect((await client.listRevisions(name)).revisions.map(({ revision, contentMd }) => [revision, contentMd])).toEqual([[3, "state 3"], [2, "state 2"], [1, "state 1"]]);
    expect((await client.search({ collection: "c", filterMeta: meta({ n: ["1"] }) })).totalSize).toBe(1);
    expect((await client.search({ collection: "c", filterMeta: meta({ n: ["3"] }) })).totalSize).toBe(0);
  });

  it("that are not there cannot come back", async () => {
    const { client } = startDocuments();
    await write(client, 2);
    for (const revision of [2, 3, 99]) expect(await reasonOf(client.restoreRevision({ ...name, revision }))).toBe("REVISION_NOT_FOUND");
    expect(await reasonOf(client.restoreRevision({ ...name, revision: 0 }))).toBe("FIELD_INVALID");
  });
});
