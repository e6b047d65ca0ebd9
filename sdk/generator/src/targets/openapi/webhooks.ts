/** Webhooks: what the server posts, one path item an event. */
import { eventExample, identifierOf } from "../../events.js";
import type { Model, Webhook } from "../../model.js";
import { plain } from "../docs/markdown.js";
import { tagNames } from "./names.js";
import { firstSentence, printable } from "./operations.js";
import type { SchemaBuilder } from "./schemas.js";
import { compact, type OpenApiDocument, type OpenApiObject } from "./types.js";

/** The section `webhooks`, the parameters that it refers to, and its tag. */
export interface WebhookSection {
  readonly webhooks: NonNullable<OpenApiDocument["webhooks"]>;
  readonly parameters: Record<string, OpenApiObject>;
  readonly tag: OpenApiObject;
}

/** Names of webhooks, which give way to those of services. */
export interface WebhookNames {
  readonly tag: string;
  operationId(event: string): string;
}

/** Makes the names. */
export function webhookNames(model: Model): WebhookNames {
  const prefix = model.services.some(({ name }) => name === "Webhook") ? "WebhookEvent" : "Webhook";
  return {
    tag: [...tagNames(model).values()].includes("Webhooks") ? "Webhook events" : "Webhooks",
    operationId: (event) => `${prefix}_${identifierOf(event)}`,
  };
}

/** Makes the section; undefined where nothing is posted. */
export function webhookSectionOf(model: Model, schemas: SchemaBuilder): WebhookSection | undefined {
  if (model.webhooks.length === 0) return undefined;
  const { tag, operationId } = webhookNames(model);
  return {
    webhooks: Object.fromEntries(model.webhooks.map((webhook) => [webhook.event, { post: operationOf(webhook, operationId(webhook.event), tag, schemas) }])),
    parameters: signatureHeaders,
    tag: {
      name: tag,
      description:
        "What the server posts to those who subscribed, as [Standard Webhooks](https://www.standardwebhooks.com) says. Verify the signature of the raw body before anything else, refuse a time stamp that is more than five minutes off, and ignore a `webhook-id` that was there before.",
    },
  };
}

/** Headers of every webhook (Standard Webhooks 1.0, webhook headers), as components. */
const signatureHeaders: Readonly<Record<string, OpenApiObject>> = {
  WebhookId: {
    name: "webhook-id",
    in: "header",
    required: true,
    description: "The same for each delivery of one event.",
    schema: { type: "string", minLength: 1 },
    example: "msg_p5jXN8AQM9LWM0D4loKWxJek",
  },
  WebhookTimestamp: {
    name: "webhook-timestamp",
    in: "header",
    required: true,
    description: "When this delivery was sent, in Unix seconds.",
    schema: { type: "integer", format: "int64", minimum: 0 },
    example: 1772474401,
  },
  WebhookSignature: {
    name: "webhook-signature",
    in: "header",
    required: true,
    description: "Signatures over `webhook-id`, `webhook-timestamp` and the raw body with full stops between them, each with its version ahead: `v1` is HMAC-SHA256 under the endpoint's secret. Several, with spaces between them, while a secret is rotated.",
    schema: { type: "string", pattern: "^v\\d[0-9a-z]*,[A-Za-z0-9+/]+=*( v\\d[0-9a-z]*,[A-Za-z0-9+/]+=*)*$" },
    example: "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
  },
};

function operationOf(webhook: Webhook, operationId: string, tag: string, schemas: SchemaBuilder): OpenApiObject {
  const { event, payload, docs, deprecated } = webhook;
  const summary = firstSentence(docs) || event;
  const schema = {
    type: "object",
    properties: {
      type: { type: "string", const: event, description: "The event." },
      timestamp: { type: "string", format: "date-time", description: "When it happened." },
      data: schemas.ofMessage(payload, "out"),
    },
    required: ["type", "timestamp", "data"],
  };
  const operation = compact({
    operationId,
    tags: [tag],
    summary,
    description: docs === `${summary}.` ? undefined : plain(docs),
    deprecated: deprecated || undefined,
    parameters: Object.keys(signatureHeaders).map((name) => ({ $ref: `#/components/parameters/${name}` })),
    requestBody: { required: true, content: { "application/json": compact({ schema, example: printable(eventExample(webhook)) }) } },
    responses: {
      "2XX": { description: "Accepted. Nothing of the answer but its status counts." },
      "410": { description: "The receiver is gone: nothing is posted to it any more." },
      default: { description: "Anything else, redirects and no answer in time among them: the event is posted again later, with the same `webhook-id`." },
    },
  });
  // The signature is what the receiver checks; no credential is sent.
  return { ...operation, security: [] };
}
