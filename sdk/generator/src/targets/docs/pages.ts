/** Pages that link to each other: headings get their anchors first, then links are written. */
import GithubSlugger from "github-slugger";
import type { OutputFile } from "../../model.js";
import { generatedMark } from "../mark.js";

/** A heading, whose anchor is known by a key; or text, which may link to keys. */
export type Block = { readonly level: 1 | 2 | 3; readonly title: string; readonly key?: string } | ((to: LinkTo) => string);

/** A link with a label, to where a key stands; only the label where nothing stands. */
export type LinkTo = (label: string, key: string) => string;

/** One file. */
export interface Page {
  readonly path: string;
  readonly blocks: readonly Block[];
}

/** Writes the pages. A key that several pages have is looked for on the page itself first. */
export function renderPages(pages: readonly Page[]): OutputFile[] {
  const anchors = pages.map(({ path, blocks }) => ({ path, here: anchorsOf(blocks) }));
  const elsewhere = new Map(anchors.flatMap(({ path, here }) => [...here].map(([key, anchor]) => [key, `${path}#${anchor}`] as const)));
  return pages.map(({ path, blocks }, index) => {
    const { here } = anchors[index]!;
    const to: LinkTo = (label, key) => {
      const own = here.get(key);
      const target = own === undefined ? elsewhere.get(key) : `#${own}`;
      return target === undefined ? label : `[${label}](${target})`;
    };
    const texts = blocks.map((block) => (typeof block === "function" ? block(to).trim() : `${"#".repeat(block.level)} ${block.title}`));
    return { path, content: `<!-- ${generatedMark} -->\n${texts.filter((text) => text !== "").join("\n\n")}\n` };
  });
}

/** Anchors as GitHub and its kin make them of headings, by key. */
function anchorsOf(blocks: readonly Block[]): Map<string, string> {
  const slugger = new GithubSlugger();
  const anchors = new Map<string, string>();
  for (const block of blocks) {
    if (typeof block === "function") continue;
    const anchor = slugger.slug(block.title);
    if (block.key !== undefined && !anchors.has(block.key)) anchors.set(block.key, anchor);
  }
  return anchors;
}
