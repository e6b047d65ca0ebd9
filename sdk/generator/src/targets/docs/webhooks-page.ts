/** The page of all events that are posted. */
import { eventExample } from "../../events.js";
import type { Model, Webhook } from "../../model.js";
import { receiverOf } from "../typescript/snippet.js";
import type { CallContext } from "./calls.js";
import { fieldsTable, introOf, valuesTable } from "./fields.js";
import { cell, code, fenced, firstSentence, prose, table } from "./markdown.js";
import type { Block, Page } from "./pages.js";

/** Key of the page. */
export const webhooksKey = "webhooks";

/** Key of an event on it; no name of a type has a space. */
const keyOf = ({ event }: Webhook): string => `webhook ${event}`;

/** What every delivery carries (Standard Webhooks 1.0, webhook headers). */
const headers: readonly (readonly [header: string, meaning: string])[] = [
  ["`webhook-id`", "the same for each delivery of one event: ignore what was there before"],
  ["`webhook-timestamp`", "when this delivery was sent, in Unix seconds: refuse what is more than five minutes off"],
  ["`webhook-signature`", "`v1,` and the HMAC-SHA256 in Base64 of id, time stamp and raw body with full stops between them, under the endpoint's secret; several, with spaces between them, while the secret is rotated"],
];

const answers: readonly (readonly [answer: string, meaning: string])[] = [
  ["2xx", "accepted; nothing else of the answer counts"],
  ["410", "nothing is posted there any more"],
  ["anything else, redirects and no answer in time", "the event is posted again later"],
];

/** Writes the page. */
export function webhooksPage({ webhooks }: Model, path: string, { types }: CallContext): Page {
  const inner = types.reach(webhooks.map(({ payload }) => payload));
  return {
    path,
    blocks: [
      { level: 1, title: "Webhooks", key: webhooksKey },
      (to) => `What the server posts to those who subscribed, by [Standard Webhooks](https://www.standardwebhooks.com). ${to("All services", "index")}.`,
      (to) => table(["event", "what happened"], webhooks.map((webhook) => [to(code(webhook.event), keyOf(webhook)), cell(firstSentence(webhook.docs))])),
      { level: 2, title: "Deliveries" },
      () => "Each is a `POST` of a JSON object: `type` names the event, `timestamp` says when it happened, `data` is the message below. Its headers:",
      () => table(["header", "what it is"], headers),
      () => "The status of the answer decides:",
      () => table(["answer", "then"], answers),
      () => "The generated client verifies all of that, and types `data` by `type`:",
      () => fenced("ts", receiverOf(webhooks, "./webhooks.js")),
      ...webhooks.flatMap((webhook) => webhookBlocks(webhook, types)),
      ...(inner.length === 0 ? [] : [{ level: 2, title: "Types" } as const]),
      ...inner.flatMap((type): Block[] => [
        { level: 3, title: type.name, key: type.fullName },
        () => code(type.fullName),
        () => introOf(type),
        (to) => ("fields" in type ? fieldsTable(type, "out", types, to) : valuesTable(type)),
      ]),
    ],
  };
}

function webhookBlocks(webhook: Webhook, types: CallContext["types"]): Block[] {
  const { event, payload, docs, deprecated } = webhook;
  const body = eventExample(webhook);
  return [
    { level: 2, title: event, key: keyOf(webhook) },
    () => (deprecated ? "**Deprecated.**" : ""),
    () => prose(docs),
    { level: 3, title: "Data", key: payload },
    () => code(payload),
    (to) => fieldsTable(types.message(payload)!, "out", types, to),
    () => (body === undefined ? "" : fenced("json", JSON.stringify(body, null, 2))),
  ];
}
