/** Reads the event of a webhook that verifies (Standard Webhooks 1.0, payload structure). */
import { ParapetError } from "../runtime/error.js";
import type { JsonObject, Timestamp } from "../runtime/json.js";
import { verifyWebhook, type Webhook, type WebhookInput, type WebhookReason } from "./verify.js";

/** Why no event was read. */
export type WebhookEventReason = WebhookReason | "WEBHOOK_BODY_MALFORMED" | "WEBHOOK_TYPE_UNKNOWN";

/** A webhook that verified, with the event in it. */
export interface WebhookEvent<Type extends string = string, Data extends object = JsonObject> extends Webhook {
  /** Which event. */
  readonly type: Type;
  /** When it happened; `timestampMs` is when this delivery of it was sent. */
  readonly timestamp: Timestamp;
  /** What the contract says that it holds; it is not looked into. */
  readonly data: Data;
}

/**
 * Verifies a webhook as `verifyWebhook` does, and reads its event; generated clients call it with the events of their contract.
 * Fails with ParapetError as that does, and for what is signed with WEBHOOK_BODY_MALFORMED and, for an event that is not one of `types`,
 * WEBHOOK_TYPE_UNKNOWN with the `type` in its metadata.
 */
export async function verifyEvent<Event extends WebhookEvent<string, object>>(input: WebhookInput, types: readonly Event["type"][]): Promise<Event> {
  const webhook = await verifyWebhook(input);
  const { type, timestamp, data } = bodyOf(webhook);
  if (typeof type !== "string" || typeof timestamp !== "string" || !isObject(data)) throw malformed();
  if (!types.includes(type)) {
    throw new ParapetError({ code: "unimplemented", reason: "WEBHOOK_TYPE_UNKNOWN", message: "the webhook is an event that the contract does not have", metadata: { type } });
  }
  return { ...webhook, type, timestamp, data } as WebhookEvent<string, object> as Event;
}

function bodyOf({ text }: Webhook): { readonly type?: unknown; readonly timestamp?: unknown; readonly data?: unknown } {
  try {
    const body: unknown = JSON.parse(text);
    if (isObject(body)) return body;
  } catch {
    // No JSON: as malformed as JSON that is no object.
  }
  throw malformed();
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function malformed(): ParapetError<WebhookEventReason> {
  return new ParapetError({ code: "invalid_argument", reason: "WEBHOOK_BODY_MALFORMED", message: "the body of the webhook is no object with type, timestamp and data" });
}
