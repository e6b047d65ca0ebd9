/** What several targets say of events. */
import type { JsonObject, Webhook } from "./model.js";

/** A name for generated code: `DocumentUpdated` for `document.updated`. No two events of a contract have one, however case is treated. */
export function identifierOf(event: string): string {
  return event
    .split(/[._]/)
    .map((part) => part.slice(0, 1).toUpperCase() + part.slice(1))
    .join("");
}

/** The body of an example; undefined where the data has none. */
export function eventExample({ event, example }: Webhook): JsonObject | undefined {
  return example && { type: event, timestamp: "2026-03-02T18:00:00Z", data: example };
}
