/** A receiver of the events of webhooks.proto: what compiles here is what its users may write. */
import { createServer, type IncomingMessage, type Server } from "node:http";
import { ParapetError } from "@parapet/sdk/runtime";
import type { webhooks as Posted } from "../../sdk/generator/src/targets/openapi/golden/webhooks.types.js";
import { type AnyWebhookEvent, type OrderPlacedEvent, verifyWebhook, webhookTypes } from "../../sdk/generator/src/targets/typescript/golden/webhooks/src/webhooks.js";

/** The body of an event as openapi-typescript types it by the document. */
type Body<Event extends keyof Posted> = Posted[Event]["post"]["requestBody"] extends { content: { "application/json": infer Value } } | undefined ? Value : never;

/** What the receiver makes of an event. */
function told(event: AnyWebhookEvent): string {
  switch (event.type) {
    case "order.placed":
      return `${event.data.name} of ${event.data.person ?? event.data.firm?.name ?? "nobody"} for ${BigInt(event.data.cents)}`;
    case "order.paid": {
      // The document says the same of it.
      const body: Body<"order.paid"> = event;
      return `${body.data.order} at ${event.data.at ?? "some time"}`;
    }
    case "order.payment_failed":
    case "Order2.moneyBack.Done":
      return event.data.order;
    case "ping":
      // @ts-expect-error an event without data has none
      return String(event.data.order ?? "ping");
    default: {
      // Every event of the contract is dealt with.
      const never: never = event;
      return never;
    }
  }
}

/** An event is told by its type alone. */
export const placed = (event: AnyWebhookEvent): event is OrderPlacedEvent => event.type === "order.placed";
// @ts-expect-error no event of this contract
export const lost: AnyWebhookEvent["type"] = "order.lost";
export const types: readonly AnyWebhookEvent["type"][] = webhookTypes;

/** A running receiver. */
export interface Receiver {
  readonly server: Server;
  /** What it made of the events that it took. */
  readonly told: string[];
}

/** Makes one. It answers 204 to an event, 202 to one that it does not know, and 400 with the reason to all else. */
export function createReceiver(secrets: readonly string[]): Receiver {
  const all: string[] = [];
  const seen = new Set<string>();
  const receive = async (request: IncomingMessage): Promise<{ status: number; text: string }> => {
    try {
      const event = await verifyWebhook({ body: await bytesOf(request), headers: request.headers, secrets });
      if (!seen.has(event.id)) all.push(told(event));
      seen.add(event.id);
      return { status: 204, text: "" };
    } catch (error) {
      if (!(error instanceof ParapetError)) throw error;
      return { status: error.reason === "WEBHOOK_TYPE_UNKNOWN" ? 202 : 400, text: [error.reason, ...Object.values(error.metadata)].join(" ") };
    }
  };
  const server = createServer((request, response) => {
    receive(request).then(
      ({ status, text }) => response.writeHead(status).end(text),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  return { server, told: all };
}

async function bytesOf(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
