/** Verifies the webhooks that a server sends (Standard Webhooks 1.0, standardwebhooks.com, symmetric signatures `v1`). */
import { base64ToBytes } from "../runtime/base64.js";
import { ParapetError } from "../runtime/error.js";

/** Why a webhook was refused. */
export type WebhookReason = "WEBHOOK_HEADER_MISSING" | "WEBHOOK_TIMESTAMP_OUTSIDE_WINDOW" | "WEBHOOK_SIGNATURE_INVALID";

/** A webhook as it arrived. */
export interface WebhookInput {
  /** The raw body: the bytes, or the text, exactly as they came. JSON that was parsed and printed again does not verify. */
  readonly body: string | Uint8Array;
  /** Its headers; of a plain object the names must be in lower case, as Node gives them. */
  readonly headers: Headers | Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The endpoint's secrets (`whsec_` and base64). While a secret is rotated, both. */
  readonly secrets: readonly string[];
  /** How far the time stamp may be from now, in either direction, in milliseconds. Default 300000. */
  readonly windowMs?: number;
  /** Unix time in milliseconds; default: now. */
  readonly nowMs?: number;
}

/** A webhook that verified. */
export interface Webhook {
  /** The same for each delivery of one event: keep it, and ignore an id that was seen before. */
  readonly id: string;
  /** When it was sent; a delivery that is repeated has a later one. */
  readonly timestampMs: number;
  /** The body as text. */
  readonly text: string;
}

const windowMsDefault = 5 * 60_000;

/** Signatures that are looked at; a sender that rotates sends two. */
const signaturesMax = 8;

const encoder = new TextEncoder();

/**
 * Verifies a webhook. Signatures are compared in constant time, by the platform's own HMAC.
 * Fails with ParapetError (WEBHOOK_HEADER_MISSING, WEBHOOK_TIMESTAMP_OUTSIDE_WINDOW, WEBHOOK_SIGNATURE_INVALID), and with REQUEST_INVALID for a secret that is none.
 */
export async function verifyWebhook({ body, headers, secrets, windowMs = windowMsDefault, nowMs = Date.now() }: WebhookInput): Promise<Webhook> {
  const header = (name: string): string => {
    const value = headers instanceof Headers ? headers.get(name) : headers[name];
    if (typeof value === "string" && value !== "") return value;
    throw refused("WEBHOOK_HEADER_MISSING", `the webhook has no ${name}, or several`);
  };
  const id = header("webhook-id");
  const timestamp = header("webhook-timestamp");
  const given = header("webhook-signature").split(" ", signaturesMax).flatMap(signatureOf);
  const timestampMs = /^\d{1,12}$/.test(timestamp) ? Number(timestamp) * 1000 : NaN;
  // A comparison with NaN is false: what is no number is refused.
  if (!(Math.abs(nowMs - timestampMs) <= windowMs)) {
    throw refused("WEBHOOK_TIMESTAMP_OUTSIDE_WINDOW", "the webhook is too old, or from the future");
  }
  const bytes = typeof body === "string" ? encoder.encode(body) : body;
  const head = encoder.encode(`${id}.${timestamp}.`);
  const signed = new Uint8Array(head.length + bytes.length);
  signed.set(head);
  signed.set(bytes, head.length);
  const keys = await Promise.all(secrets.map(keyOf));
  const verdicts = await Promise.all(keys.flatMap((key) => given.map((signature) => crypto.subtle.verify("HMAC", key, signature, signed))));
  if (!verdicts.includes(true)) throw refused("WEBHOOK_SIGNATURE_INVALID", "no signature of the webhook is by one of the secrets");
  return { id, timestampMs, text: new TextDecoder().decode(bytes) };
}

function signatureOf(entry: string): Uint8Array<ArrayBuffer>[] {
  const [version, text = ""] = entry.split(",", 2);
  const bytes = version === "v1" ? decoded(text) : undefined;
  return bytes ? [bytes] : [];
}

function keyOf(secret: string): Promise<CryptoKey> {
  const bytes = decoded(secret.replace(/^whsec_/, ""));
  if (!bytes?.length) {
    // Without the secret in it.
    throw new ParapetError({ code: "invalid_argument", reason: "REQUEST_INVALID", message: "a webhook secret is not base64" });
  }
  return crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
}

function decoded(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return new Uint8Array(base64ToBytes(text));
  } catch {
    return undefined;
  }
}

function refused(reason: WebhookReason, message: string): ParapetError<WebhookReason> {
  return new ParapetError({ code: "unauthenticated", reason, message });
}
