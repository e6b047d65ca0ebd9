/** Which of several things of one name keeps it where names are made: the others say where they come from. */

import { wordsOf } from "./words.js";

/** What has a name within a package. */
interface Placed {
  readonly fullName: string;
  readonly name: string;
  readonly package: string;
}

const version = /^v\d+((alpha|beta)\d*)?$/;

/** The part of a package that names what it is about: `document` of `parapet.document.v1`. */
export function domainOf(packageName: string): string {
  const parts = packageName.split(".").filter((part) => !version.test(part));
  return parts.at(-1) ?? packageName;
}

/** True for what speaks of its package: `NotesService` and `GetNoteRequest` of `acme.notes.v1`. */
function isAtHome({ name, package: from }: Placed): boolean {
  const singular = (word: string): string => word.replace(/s$/, "");
  const about = wordsOf(domainOf(from)).map(singular).join(" ");
  return ` ${wordsOf(name).map(singular).join(" ")} `.includes(` ${about} `);
}

/**
 * Orders by precedence. It looks at the two alone, so that a third changes nothing between them: what speaks of its package
 * comes first, then the shorter package, then the lower version, then the alphabet.
 */
export function byPrecedence(a: Placed, b: Placed): number {
  return rankOf(a) - rankOf(b) || alphabetical(a.fullName, b.fullName);
}

/** Made once: each comparison by `localeCompare` would make it anew. */
const { compare: alphabetical } = new Intl.Collator("en", { numeric: true });

/** More parts than a package has. */
const partsMax = 1_000_000;
const ranks = new WeakMap<Placed, number>();

/** Lower goes first: home before elsewhere, then by the parts of the package. */
function rankOf(placed: Placed): number {
  const known = ranks.get(placed) ?? placed.package.split(".").filter((part) => !version.test(part)).length + (isAtHome(placed) ? 0 : partsMax);
  ranks.set(placed, known);
  return known;
}

/** Those that keep their name, among all of each name; `nameOf`: as it is written. */
export function keepersOf<T extends Placed>(all: readonly T[], nameOf: (each: T) => string = ({ name }) => name): ReadonlySet<T> {
  const keepers = new Map<string, T>();
  for (const each of all) {
    const name = nameOf(each);
    const other = keepers.get(name);
    if (other === undefined || byPrecedence(each, other) < 0) keepers.set(name, each);
  }
  return new Set(keepers.values());
}
