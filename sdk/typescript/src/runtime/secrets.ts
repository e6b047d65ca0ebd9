/** Keeps the secrets of a response out of what `console.log` and `util.inspect` print. */
import type { Method } from "./method.js";

/** Node, Deno and Bun ask for this method. */
const inspect = Symbol.for("nodejs.util.inspect.custom");

/** Makes a message print its secret fields as `[redacted]`. The fields themselves stay as they are. */
export function hideSecrets(message: object, { secrets = [] }: Pick<Method, "secrets">): void {
  const redact = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(redact);
    if (typeof value !== "object" || value === null) return value;
    // A member of a oneof is `{ case, value }` in messages of protobuf-es.
    const member = (value as { readonly case?: string }).case ?? "";
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, secrets.includes(name === "value" ? member || name : name) ? "[redacted]" : redact(inner)]));
  };
  // Not enumerable, so that neither spreading nor JSON sees it.
  Object.defineProperty(message, inspect, { value: () => redact(message) });
}
