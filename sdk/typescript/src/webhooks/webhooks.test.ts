/** Webhooks that verify, and those that must not. */
import { createHmac } from "node:crypto";
import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { verifyWebhook, type WebhookInput } from "./index.js";

/** The example of the Standard Webhooks specification. */
const published = {
  secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
  id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
  seconds: 1614265330,
  body: '{"test": 2432232314}',
  signature: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
};
const other = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;

const sign = (secret: string, { id, seconds, body } = published): string =>
  `v1,${createHmac("sha256", Buffer.from(secret.slice(6), "base64")).update(`${id}.${seconds}.${body}`).digest("base64")}`;

const inputOf = (changes: Partial<WebhookInput> & { signature?: string; id?: string; timestamp?: string } = {}): WebhookInput => {
  const { signature = published.signature, id = published.id, timestamp = String(published.seconds), ...rest } = changes;
  const headers = { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature };
  return { body: published.body, headers, secrets: [published.secret], nowMs: published.seconds * 1000, ...rest };
};

describe("verifies", () => {
  const bytes = new TextEncoder().encode(published.body);
  it.each<[string, WebhookInput]>([
    ["the specification's own example", inputOf()],
    ["bytes", inputOf({ body: bytes })],
    ["with Headers", inputOf({ headers: new Headers(inputOf().headers as Record<string, string>) })],
    ["five minutes late", inputOf({ nowMs: published.seconds * 1000 + 300_000 })],
    ["five minutes early", inputOf({ nowMs: published.seconds * 1000 - 300_000 })],
    ["the old secret while both are known", inputOf({ secrets: [other, published.secret] })],
    ["two signatures while the sender rotates", inputOf({ signature: `${sign(other)} ${published.signature}` })],
    ["beside a signature of another version", inputOf({ signature: `v1a,AAAA ${published.signature}` })],
  ])("%s", async (_, input) => {
    expect(await verifyWebhook(input)).toEqual({ id: published.id, timestampMs: published.seconds * 1000, text: published.body });
  });
});

describe("refuses", () => {
  const header = (name: string) => inputOf({ headers: { ...(inputOf().headers as object), [name]: undefined } });
  it.each<[string, WebhookInput, string]>([
    ["a missing id", header("webhook-id"), "WEBHOOK_HEADER_MISSING"],
    ["a missing time stamp", header("webhook-timestamp"), "WEBHOOK_HEADER_MISSING"],
    ["a missing signature", header("webhook-signature"), "WEBHOOK_HEADER_MISSING"],
    ["a header that came twice", inputOf({ headers: { ...(inputOf().headers as object), "webhook-id": ["a", "b"] } }), "WEBHOOK_HEADER_MISSING"],
    ["one that is too old", inputOf({ nowMs: published.seconds * 1000 + 300_001 }), "WEBHOOK_TIMESTAMP_OUTSIDE_WINDOW"],
    ["one from the future", inputOf({ nowMs: published.seconds * 1000 - 300_001 }), "WEBHOOK_TIMESTAMP_OUTSIDE_WINDOW"],
    ["a time stamp that is no number", inputOf({ timestamp: "1e9" }), "WEBHOOK_TIMESTAMP_OUTSIDE_WINDOW"],
    ["another body", inputOf({ body: `${published.body} ` }), "WEBHOOK_SIGNATURE_INVALID"],
    ["another id", inputOf({ id: "msg_2" }), "WEBHOOK_SIGNATURE_INVALID"],
    ["another time stamp", inputOf({ timestamp: String(published.seconds + 1) }), "WEBHOOK_SIGNATURE_INVALID"],
    ["another secret", inputOf({ secrets: [other] }), "WEBHOOK_SIGNATURE_INVALID"],
    ["no secrets", inputOf({ secrets: [] }), "WEBHOOK_SIGNATURE_INVALID"],
    ["a shortened signature", inputOf({ signature: "v1,g0hM9SsE" }), "WEBHOOK_SIGNATURE_INVALID"],
    ["an empty signature", inputOf({ signature: "v1," }), "WEBHOOK_SIGNATURE_INVALID"],
    ["the right signature under another version", inputOf({ signature: published.signature.replace("v1", "v2") }), "WEBHOOK_SIGNATURE_INVALID"],
    ["the right signature behind too many others", inputOf({ signature: `${"v1,AAAA ".repeat(8)}${published.signature}` }), "WEBHOOK_SIGNATURE_INVALID"],
  ])("%s", async (_, input, reason) => {
    await expect(verifyWebhook(input)).rejects.toMatchObject({ name: "ParapetError", reason });
  });

  it("a secret that is none, without showing it", async () => {
    const error = await verifyWebhook(inputOf({ secrets: ["whsec_not base64!"] })).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ reason: "REQUEST_INVALID" });
    expect(inspect(error)).not.toContain("not base64!");
  });
});
