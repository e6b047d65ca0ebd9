/** What generated code, of this contract or another, needs to receive webhooks. */
export { verifyEvent, type WebhookEvent, type WebhookEventReason } from "./event.js";
export { verifyWebhook, type Webhook, type WebhookInput, type WebhookReason } from "./verify.js";
