/** Makes the credentials of a development server, and the tokens by which conformance plays every role. */
import { createHash } from "node:crypto";
import type { OutputFile } from "../model.js";

/** Gives random bytes fit for secrets. */
export type RandomBytes = (size: number) => Uint8Array;

/** What each role of the suite may do: nothing, or something on one resource, or everything. */
const roles = (resource: string): Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> => ({
  nobody: {},
  reader: { [resource]: ["read"] },
  writer: { [resource]: ["read", "write"] },
  owner: { [resource]: ["admin"] },
  admin: { "*": ["admin"] },
});

/** Several of each role, as a limit can only be tried with a principal that has called little before. */
const tokensPerRole = 8;
const tokenBytes = 24;

/**
 * `credentials.json` for the server (SHA-256 of tokens with grants, as `openCredentialsFile` of @parapet/server reads it) and
 * `tokens.json` for `parapet-conformance run --credentials`. The second is a secret: write it with mode 0600.
 */
export function developmentCredentials(resource: string, randomBytes: RandomBytes): { readonly credentials: OutputFile; readonly tokens: OutputFile } {
  const made = Object.entries(roles(resource)).map(([role, grants]) => ({
    role,
    grants,
    tokens: Array.from({ length: tokensPerRole }, () => `parapet_dev_${Buffer.from(randomBytes(tokenBytes)).toString("hex")}`),
  }));
  const credentials = made.flatMap(({ role, grants, tokens }) =>
    tokens.map((token, index) => ({ id: `${role}-${index + 1}`, sha256: createHash("sha256").update(token).digest("hex"), grants })),
  );
  return {
    credentials: { path: "credentials.json", content: json({ credentials }) },
    tokens: { path: "tokens.json", content: json({ resource, roles: Object.fromEntries(made.map(({ role, tokens }) => [role, tokens])) }) },
  };
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
