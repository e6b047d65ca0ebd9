/** Page tokens open for the list and query that made them, and for nothing else. */
import { describe, expect, it } from "vitest";
import { Reason } from "../errors.js";
import { createPageTokens } from "./page-token.js";

const tokens = createPageTokens(new Uint8Array(32).fill(7));
const position = Uint8Array.of(0, 255, 1, 2, 3);
const token = tokens.seal("audit", "query", position);
const refusal = expect.objectContaining({ reason: Reason.PAGE_TOKEN_INVALID });

describe("a page token", () => {
  it("gives back its position", () => {
    expect(tokens.open("audit", "query", token)).toEqual(position);
    expect(tokens.open("audit", Uint8Array.of(1), tokens.seal("audit", Uint8Array.of(1), new Uint8Array()))).toEqual(new Uint8Array());
  });

  it("is text that a URL may hold as it is", () => {
    expect(token).toMatch(/^[\w-]+$/);
  });

  it.each([
    ["for another list", () => tokens.open("documents", "query", token)],
    ["for another query", () => tokens.open("audit", "querz", token)],
    ["when the border between list and query moves", () => tokens.open("auditq", "uery", token)],
    ["under another key", () => createPageTokens(new Uint8Array(32).fill(8)).open("audit", "query", token)],
    ["when it is empty", () => tokens.open("audit", "query", "")],
    ["when it is cut", () => tokens.open("audit", "query", token.slice(0, -2))],
    ["when it is padded", () => tokens.open("audit", "query", `${token}=`)],
    ["when it holds foreign characters", () => tokens.open("audit", "query", `${token.slice(0, 4)}\n${token.slice(4)}`)],
  ])("is refused %s", (_, open) => {
    expect(open).toThrow(refusal);
  });

  it("is refused after any one character changed", () => {
    for (let i = 0; i < token.length; i++) {
      const other = token[i] === "A" ? "B" : "A";
      expect(() => tokens.open("audit", "query", token.slice(0, i) + other + token.slice(i + 1))).toThrow(refusal);
    }
  });

  it("needs a key worth the name", () => {
    expect(() => createPageTokens(new Uint8Array(8))).toThrow(RangeError);
  });
});
