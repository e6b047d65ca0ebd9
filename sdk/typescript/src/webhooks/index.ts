/** Receives webhooks. */
export { verifyEvent, type WebhookEvent, type WebhookEventReason } from "./event.js";
export { verifyWebhook, type Webhook, type WebhookInput, type WebhookReason } from "./verify.js";
