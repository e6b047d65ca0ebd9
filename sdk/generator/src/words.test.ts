// Tests how names are split into words.
import { describe, expect, it } from "vitest";
import { kebabCase } from "./targets/kebab-case.js";

describe("words of a name", () => {
  it.each([
    ["GetHTTPServer", "get-http-server"],
    ["HTTPServer", "http-server"],
    ["CreateAPIKey", "create-api-key"],
    ["ListIDs", "list-ids"],
    ["ListURLsOfPage", "list-urls-of-page"],
    ["GetOAuth2Token", "get-oauth2-token"],
    ["IPv4Address", "ipv4-address"],
    ["UseMTLSv2", "use-mtlsv2"],
    ["CreateApiKey", "create-api-key"],
    ["NotesService", "notes-service"],
    ["notes_service", "notes-service"],
    ["__proto__", "proto"],
    ["SHA256Sum", "sha256-sum"],
    ["GetDBServer", "get-db-server"],
    ["GetHTTPAsset", "get-http-asset"],
    ["GetAPIEvent", "get-api-event"],
    ["A", "a"],
  ])("%s is %s", (name, kebab) => {
    expect(kebabCase(name)).toBe(kebab);
  });
});
