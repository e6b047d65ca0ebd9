/** webhooks.ts: the events that the contract posts, as a union, and the function that verifies one. */
import type { Model } from "../../model.js";
import { indexOf } from "../../model-index.js";
import { tsHeader } from "../mark.js";
import { jsdoc } from "./docs.js";
import { relative } from "./modules.js";
import type { Names } from "./names.js";

/** Writes webhooks.ts, which no other module imports, so that only receivers bundle it. */
export function emitWebhooks(model: Model, names: Names): string {
  const { messages } = indexOf(model);
  const imports = new Map<string, Set<string>>();
  const events = model.webhooks.map(({ event, payload, docs, deprecated }) => {
    const from = messages.get(payload)!.package;
    const data = names.type(payload);
    imports.set(from, (imports.get(from) ?? new Set()).add(data));
    return `${jsdoc([docs], { deprecated })}export type ${names.webhook(event)} = rt.WebhookEvent<${JSON.stringify(event)}, ${data}>;\n`;
  });
  const types = [...imports].sort(([a], [b]) => (a < b ? -1 : 1)).map(([from, used]) => `import type { ${[...used].sort().join(", ")} } from "${relative("webhooks", names.typesModule(from))}";\n`);
  const union = model.webhooks.map(({ event }) => `\n  | ${names.webhook(event)}`).join("");
  return `${tsHeader("Events that are posted to subscribers")}import * as rt from "@parapet/sdk/webhooks/runtime";
${types.join("")}
${events.join("\n")}
/** Any of them: switch on \`type\`. */
export type ${names.webhooks} =${union};

/** Their types. */
export const webhookTypes = [${model.webhooks.map(({ event }) => `\n  ${JSON.stringify(event)},`).join("")}
] as const;

/**
 * Verifies a webhook and reads its event. Fails with ParapetError (WEBHOOK_HEADER_MISSING, WEBHOOK_TIMESTAMP_OUTSIDE_WINDOW, WEBHOOK_SIGNATURE_INVALID;
 * then WEBHOOK_BODY_MALFORMED, and WEBHOOK_TYPE_UNKNOWN for an event that is not among these), and with REQUEST_INVALID for a secret that is none.
 */
export function verifyWebhook(input: rt.WebhookInput): Promise<${names.webhooks}> {
  return rt.verifyEvent<${names.webhooks}>(input, webhookTypes);
}
`;
}
