/** The words of a name: the one rule by which names of a contract are split, wherever another spelling of them is made. */

/** Where a word ends: ahead of a capital behind a small letter, and behind two or more capitals ahead of a word (`HTTPServer`), unless what follows is their plural or version (`URLsOf`, `MTLSv2`). */
const borders = /(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z]{2})(?=[A-Z](?!s(?![a-z])|v\d)[a-z])|_+/;

/** `GetHTTPServer` and `get_http_server` as `get`, `http` and `server`; `OAuth` and `IPv4` are one word each. */
export function wordsOf(name: string): string[] {
  return name.split(borders).filter((word) => word !== "").map((word) => word.toLowerCase());
}
