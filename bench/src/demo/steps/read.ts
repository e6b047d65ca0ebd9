/** Steps: gets every document and searches them, on each protocol by itself. */
import { valueOf } from "../callers.js";
import { claim, claimSame } from "../claims.js";
import type { CorpusDocument } from "../corpus.js";
import { forEachAtMost } from "../../process/pool.js";
import { callsAtATime, secondsOf, type StepResult, type World } from "../world.js";

const license = "MIT";
const pageSize = 40;

/** Gets every document over every protocol; each must come back byte by byte. */
export async function getAll({ documents, librarian: { callers }, progress }: World): Promise<readonly StepResult[]> {
  const bar = progress("get", documents.length * callers.length);
  const results: StepResult[] = [];
  for (const caller of callers) {
    const seconds = await secondsOf(() =>
      forEachAtMost(callsAtATime, documents, async ({ key, contentMd, meta }) => {
        const got = valueOf(await caller.get(key), `${key} fetched over ${caller.protocol}`);
        claim(got.contentMd === contentMd, `the text of ${key} over ${caller.protocol} is the file's`);
        claimSame(got.meta, meta, `meta data of ${key} over ${caller.protocol}`);
        bar.step();
      }),
    );
    results.push({ what: "get each document back (Get)", protocol: caller.protocol, count: documents.length, seconds });
  }
  bar.end(`${documents.length * callers.length} documents fetched, every byte as on disk`);
  return results;
}

/** Searches by license over every protocol, page by page; the answer must be what the files say. */
export async function searchAll({ documents, librarian: { callers }, say }: World): Promise<readonly StepResult[]> {
  const wanted = keysWithLicense(documents);
  const results: StepResult[] = [];
  for (const caller of callers) {
    let pages = 0;
    const found: string[] = [];
    const seconds = await secondsOf(async () => {
      for (let pageToken = ""; pages === 0 || pageToken !== ""; pages++) {
        const page = valueOf(await caller.search({ filterMeta: { license: [license] }, limit: pageSize, pageToken }), `search over ${caller.protocol}`);
        claim(page.totalSize === wanted.length, `${wanted.length} documents are under ${license} over ${caller.protocol}`, page.totalSize);
        found.push(...page.keys);
        pageToken = page.nextPageToken;
      }
    });
    claimSame(found, wanted, `documents under ${license}, in the order of their keys, over ${caller.protocol}`);
    results.push({ what: `search license = ${license} (Search)`, protocol: caller.protocol, count: pages, seconds });
  }
  say(`search: ${wanted.length} of ${documents.length} are under ${license}, the same ones in the same order on ${callers.length} protocols`);
  return results;
}

function keysWithLicense(documents: readonly CorpusDocument[]): readonly string[] {
  const keys = documents.filter(({ meta }) => meta["license"]?.includes(license)).map(({ key }) => key);
  return keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}
