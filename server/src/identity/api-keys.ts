/** The text of API keys: how one is made, recognized before any look-up, and turned into what is stored. */
import { hash } from "node:crypto";
import { crc32 } from "node:zlib";

/** An API key in the only moment its text is known. */
export interface ApiKeyText {
  readonly text: string;
  /** `parapet_live_`. */
  readonly prefix: string;
  /** The last four characters, to tell keys apart in a list. */
  readonly last4: string;
}

interface Format {
  readonly prefix: string;
  /** True if the last 8 of the 48 hex digits are the CRC32 of all that stands before them. */
  readonly checksum: boolean;
}

const randomPartBytes = 20;

/** Keys of this server, and those that are imported from MDDB, which have 24 random bytes and no checksum. */
const formats: readonly [Format, ...Format[]] = [
  { prefix: "parapet_live_", checksum: true },
  { prefix: "mddb_live_", checksum: false },
];

/** True for text that begins as an API key does, whatever follows. */
export function looksLikeApiKey(text: string): boolean {
  return formats.some(({ prefix }) => text.startsWith(prefix));
}

/** Makes a key: prefix, 20 random bytes and the 4 bytes of their checksum, in hex (AN-31). */
export function makeApiKey(randomBytes: (size: number) => Uint8Array): ApiKeyText {
  const [{ prefix }] = formats;
  const body = prefix + Buffer.from(randomBytes(randomPartBytes)).toString("hex");
  const text = body + checksumOf(body);
  return { text, prefix, last4: text.slice(-4) };
}

/** True if the text can be a key: known prefix, 48 hex digits in lower case, right checksum. No look-up is needed to refuse a typo. */
export function isApiKey(text: string): boolean {
  return formats.some(({ prefix, checksum }) => {
    if (!text.startsWith(prefix) || !/^[0-9a-f]{48}$/.test(text.slice(prefix.length))) return false;
    return !checksum || checksumOf(text.slice(0, -8)) === text.slice(-8);
  });
}

/** SHA-256 of the whole text in hex: the only form in which a key is stored (AN-32). A fast hash does, for 160 bits cannot be guessed. */
export function hashOfApiKey(text: string): string {
  return hash("sha256", text, "hex");
}

/** The opaque id of a key: the first half of its hash, so that id and hash need one row. */
export function idOfApiKey(sha256Hex: string): string {
  return `key_${sha256Hex.slice(0, 32)}`;
}

function checksumOf(body: string): string {
  return crc32(body).toString(16).padStart(8, "0");
}
