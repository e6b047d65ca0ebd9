/** Looks at the events that a contract posts, at start: what is declared twice, has no name or would post a secret stops it. */
import { type DescFile, type DescMessage, getOption, hasOption } from "@bufbuild/protobuf";
import { message as messagePolicy } from "@parapet/contract/parapet/policy/v1/policy_pb";
import { holdsSecret } from "./field-paths.js";

/** Identifiers with full stops between them (Standard Webhooks 1.0, event types). */
const eventName = /^[A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*$/;

/** What is wrong with the events of some files, each in words. */
export function webhookFaults(files: Iterable<DescFile>): string[] {
  const faults: string[] = [];
  const declared = new Map<string, DescMessage>();
  for (const message of [...files].flatMap((file) => file.messages.flatMap(withNested))) {
    if (!hasOption(message, messagePolicy)) continue;
    for (const { event } of getOption(message, messagePolicy).webhooks) {
      if (!eventName.test(event)) faults.push(`${message.typeName}: posts the event "${event}", which is no name of one`);
      // Names of generated code tell no more apart.
      const key = event.replace(/[._]/g, "").toLowerCase();
      const other = declared.get(key);
      // One file may be known twice: generated, and read at run time.
      if (other === message || (other !== undefined && other.typeName !== message.typeName)) {
        faults.push(`${message.typeName}: posts the event "${event}", which ${other.typeName} posts, or one of nearly that name`);
      }
      declared.set(key, message);
      if (holdsSecret(message)) faults.push(`${message.typeName}: holds a secret, which the event "${event}" would post`);
    }
  }
  return faults;
}

function withNested(message: DescMessage): DescMessage[] {
  return [message, ...message.nestedMessages.flatMap(withNested)];
}
