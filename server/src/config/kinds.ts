/** The kinds of value a configuration variable can have: what is wanted, how its text is read and how it is printed. */

/** A reading of a text: a value, or what was wanted instead. */
export type Reading<T> = { readonly value: T } | { readonly wanted: string };

/** How the text of a variable becomes a value. Kinds are pure: the same text always reads alike. */
export interface Kind<T> {
  /** Name in the documentation, e.g. `duration`. */
  readonly name: string;
  /** Reads a non-empty text. */
  read(text: string): Reading<T>;
  /** A text that reads as the value. */
  print(value: T): string;
}

/** Any text, of at most `bytesMax` bytes in UTF-8. */
export function text(bytesMax: number): Kind<string> {
  return {
    name: "text",
    read: (given) =>
      Buffer.byteLength(given) <= bytesMax && !given.includes("\0") ? { value: given } : { wanted: `a text of at most ${bytesMax} bytes` },
    print: (value) => value,
  };
}

/** A text with a least length, in bytes of UTF-8: for secrets. */
export function secretText(bytesMin: number, bytesMax: number): Kind<string> {
  return {
    name: "text",
    read: (given) => {
      const bytes = Buffer.byteLength(given);
      return bytes >= bytesMin && bytes <= bytesMax ? { value: given } : { wanted: `${bytesMin} to ${bytesMax} bytes; these are ${bytes}` };
    },
    print: (value) => value,
  };
}

/** A path of the file system. */
export const path: Kind<string> = {
  name: "path",
  read: (given) => (given.includes("\0") ? { wanted: "a path" } : { value: given }),
  print: (value) => value,
};

const truths = new Map([["true", true], ["1", true], ["yes", true], ["on", true], ["false", false], ["0", false], ["no", false], ["off", false]]);

/** `true` or `false`; `1 yes on` and `0 no off` in any case as well. */
export const boolean: Kind<boolean> = {
  name: "boolean",
  read: (given) => {
    const value = truths.get(given.toLowerCase());
    return value === undefined ? { wanted: "true or false" } : { value };
  },
  print: String,
};

/** A whole number between two bounds, both included. */
export function integer(min: number, max: number): Kind<number> {
  return {
    name: "integer",
    read: (given) => {
      const value = /^\d{1,15}$/.test(given) ? Number(given) : Number.NaN;
      return value >= min && value <= max ? { value } : { wanted: `a whole number from ${min} to ${max}` };
    },
    print: String,
  };
}

/** One of a few words. */
export function choice<const T extends string>(...words: readonly T[]): Kind<T> {
  return {
    name: words.map((word) => `\`${word}\``).join(" or "),
    read: (given) => {
      const value = words.find((word) => word === given.toLowerCase());
      return value === undefined ? { wanted: words.join(" or ") } : { value };
    },
    print: (value) => value,
  };
}

/** Units of a duration, in milliseconds, the largest first. */
const durationUnits = [["d", 86_400_000], ["h", 3_600_000], ["m", 60_000], ["s", 1_000], ["ms", 1]] as const;
const unitMs = new Map<string, number>(durationUnits);

/** A span of time such as `24h`, `7d`, `1h30m` or `500ms`, as milliseconds between two bounds; a bare number is seconds. */
export function duration(minMs: number, maxMs: number): Kind<number> {
  return {
    name: "duration",
    read: (given) => {
      const ms = durationMs(given);
      return ms !== undefined && ms >= minMs && ms <= maxMs
        ? { value: ms }
        : { wanted: `a duration from ${printDuration(minMs)} to ${printDuration(maxMs)}, such as 500ms, 60s, 24h or 7d` };
    },
    print: printDuration,
  };
}

function durationMs(given: string): number | undefined {
  if (/^\d{1,12}$/.test(given)) return Number(given) * 1_000;
  if (!/^(?:\d{1,12}(?:ms|d|h|m|s))+$/.test(given)) return undefined;
  let sum = 0;
  let last = Number.POSITIVE_INFINITY;
  for (const [, count, unit] of given.matchAll(/(\d+)(ms|d|h|m|s)/g)) {
    const ms = unitMs.get(unit!)!;
    // Each unit once, the largest first: `1m1h` is more likely a slip than a wish.
    if (ms >= last) return undefined;
    last = ms;
    sum += Number(count) * ms;
  }
  return sum;
}

function printDuration(ms: number): string {
  const [unit, size] = durationUnits.find(([, each]) => ms >= each && ms % each === 0) ?? ["ms", 1];
  return `${ms / size}${unit}`;
}

/** Units of a size, in bytes, the largest first. */
const sizeUnits = [["GiB", 1024 ** 3], ["MiB", 1024 ** 2], ["KiB", 1024], ["B", 1]] as const;

/** A number of bytes such as `32MiB`, between two bounds; a bare number is bytes. */
export function size(min: number, max: number): Kind<number> {
  return {
    name: "size",
    read: (given) => {
      const [, count, unit] = /^(\d{1,12})(GiB|MiB|KiB|B)?$/.exec(given) ?? [];
      const each = sizeUnits.find(([name]) => name === (unit ?? "B"))![1];
      const value = count === undefined ? Number.NaN : Number(count) * each;
      return value >= min && value <= max ? { value } : { wanted: `a size from ${printSize(min)} to ${printSize(max)}, such as 512KiB or 32MiB` };
    },
    print: printSize,
  };
}

function printSize(bytes: number): string {
  const [unit, each] = sizeUnits.find(([, each]) => bytes >= each && bytes % each === 0) ?? ["B", 1];
  return `${bytes / each}${unit}`;
}

/** Several values of a kind, separated by commas. */
export function list<T>(kind: Kind<T>): Kind<readonly T[]> {
  return {
    name: `list of ${kind.name}s`,
    read: (given) => {
      const value: T[] = [];
      for (const part of given.split(",").map((each) => each.trim())) {
        if (part === "") continue;
        const reading = kind.read(part);
        if ("wanted" in reading) return { wanted: `each entry: ${reading.wanted}` };
        value.push(reading.value);
      }
      return { value };
    },
    print: (value) => value.map((each) => kind.print(each)).join(","),
  };
}
