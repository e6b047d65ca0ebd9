// Checks which headers make a credential, and which make a refusal.
import { describe, expect, it } from "vitest";
import { Failure, Reason } from "../errors.js";
import { credentialBytesMax } from "../limits.js";
import { readCredential } from "./read-credential.js";

type Headers = { readonly authorization?: string | string[]; readonly "x-api-key"?: string | string[] };

const read = (headers: Headers) => {
  const found = readCredential((name) => [headers[name as keyof Headers] ?? []].flat());
  return found instanceof Failure ? Reason[found.reason] : found;
};
const bearer = (text: string) => ({ kind: "bearer", text });
const key = (text: string) => ({ kind: "api-key", text });

describe("the credential of a call", () => {
  it.each<[string, Headers, unknown]>([
    ["nothing", {}, undefined],
    ["a bearer", { authorization: "Bearer abc.def-_~+/==" }, bearer("abc.def-_~+/==")],
    ["a bearer in any case of its scheme", { authorization: "bEaReR abc" }, bearer("abc")],
    ["a bearer in the case it was sent in", { authorization: "Bearer AbC" }, bearer("AbC")],
    ["a bearer behind several blanks", { authorization: "Bearer   abc " }, bearer("abc")],
    ["a key", { "x-api-key": "parapet_live_00" }, key("parapet_live_00")],
    ["the same bearer twice", { authorization: ["Bearer abc", "bearer abc"] }, bearer("abc")],
    ["the same key in both places", { authorization: "Bearer k", "x-api-key": "k" }, bearer("k")],
    ["two bearers", { authorization: ["Bearer a", "Bearer b"] }, "CREDENTIAL_AMBIGUOUS"],
    ["two keys", { "x-api-key": ["a", "b"] }, "CREDENTIAL_AMBIGUOUS"],
    ["a bearer and another key", { authorization: "Bearer a", "x-api-key": "b" }, "CREDENTIAL_AMBIGUOUS"],
    ["a bearer and something else", { authorization: ["Bearer a", "Basic YTpi"] }, "CREDENTIAL_AMBIGUOUS"],
    ["a bearer and an empty key", { authorization: "Bearer a", "x-api-key": "" }, "CREDENTIAL_AMBIGUOUS"],
    ["two bearers in one header", { authorization: "Bearer a, Bearer b" }, "TOKEN_INVALID"],
    ["another scheme", { authorization: "Basic YTpi" }, "TOKEN_INVALID"],
    ["a scheme alone", { authorization: "Bearer" }, "TOKEN_INVALID"],
    ["a scheme and a blank", { authorization: "Bearer " }, "TOKEN_INVALID"],
    ["a token without a scheme", { authorization: "abc" }, "TOKEN_INVALID"],
    ["a scheme that only begins so", { authorization: "Bearerabc" }, "TOKEN_INVALID"],
    ["an empty header", { authorization: "" }, "TOKEN_INVALID"],
    ["a serialized JWS", { authorization: 'Bearer {"payload":"x"}' }, "TOKEN_INVALID"],
    ["a bearer that is too long", { authorization: `Bearer ${"a".repeat(credentialBytesMax)}` }, "TOKEN_INVALID"],
    ["an empty key", { "x-api-key": "" }, "API_KEY_INVALID"],
    ["a blank key", { "x-api-key": " " }, "API_KEY_INVALID"],
    ["two keys in one header", { "x-api-key": "a, b" }, "API_KEY_INVALID"],
    ["a key that is too long", { "x-api-key": "a".repeat(credentialBytesMax + 1) }, "API_KEY_INVALID"],
  ])("of %s", (_, headers, outcome) => {
    expect(read(headers)).toEqual(outcome);
  });
});
