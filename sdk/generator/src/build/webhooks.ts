/** Reads the events that a contract posts to subscribers, from the messages that they post. */
import type { DescMessage } from "@bufbuild/protobuf";
import { message as messagePolicy } from "@parapet/contract/parapet/policy/v1/policy_pb";
import type { Webhook } from "../model.js";
import { isSecret, looksSecret } from "./messages.js";
import { optionOf } from "./options.js";
import type { Problems } from "./problems.js";
import { docsOf } from "./source.js";

/** An event before it has an example. */
export interface PlainWebhook extends Omit<Webhook, "example"> {
  /** The message that is its data. */
  readonly desc: DescMessage;
}

/** Identifiers with full stops between them (Standard Webhooks 1.0, event types). */
const eventName = /^[A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*$/;

/** Events by what is left of their names in names of generated code. */
type Known = Map<string, string>;

/** The events that messages post, sorted by name; what is wrong with them is noted. */
export function webhooksOf(messages: readonly DescMessage[], problems: Problems): PlainWebhook[] {
  const known: Known = new Map();
  return messages.flatMap((desc) => webhooksOfMessage(desc, known, problems)).sort((a, b) => (a.event < b.event ? -1 : 1));
}

function webhooksOfMessage(desc: DescMessage, known: Known, problems: Problems): PlainWebhook[] {
  const declared = optionOf(desc, messagePolicy)?.webhooks ?? [];
  const secret = declared.length === 0 ? undefined : pathToSecret(desc);
  return declared.map(({ event, description }) => {
    if (!eventName.test(event)) {
      problems.add("webhook-invalid", desc, `${desc.typeName} posts the event "${event}", whose name is not one or more identifiers of letters, digits and underscores with full stops between them`);
    }
    const key = webhookKey(event);
    const other = known.get(key);
    if (other === event) problems.add("webhook-twice", desc, `the event "${event}" is declared a second time`);
    else if (other !== undefined) problems.add("webhook-twice", desc, `the events "${event}" and "${other}" differ only in case, full stops and underscores`);
    known.set(key, event);
    if (secret !== undefined) {
      problems.add("webhook-secret", desc, `the event "${event}" would post the secret ${desc.typeName}.${secret}: leave the field out of what is posted`);
    }
    return { event, payload: desc.typeName, docs: description || docsOf(desc), deprecated: desc.deprecated, desc };
  });
}

/** What two names have in common that differ only in case, full stops and underscores. */
export function webhookKey(event: string): string {
  return event.replace(/[._]/g, "").toLowerCase();
}

/** Dotted path of the first field, at any depth, that is a secret, or looks like one: where others declare it, it can be marked nowhere. */
function pathToSecret(desc: DescMessage, seen: Set<DescMessage> = new Set()): string | undefined {
  if (seen.has(desc)) return undefined;
  seen.add(desc);
  for (const field of desc.fields) {
    if (isSecret(field) || looksSecret(field)) return field.name;
    const below = field.message && pathToSecret(field.message, seen);
    if (below !== undefined) return `${field.name}.${below}`;
  }
  return undefined;
}
