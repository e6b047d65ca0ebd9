/** Keeps the secrets of a response out of what `console.log` and `util.inspect` print. */
import type { Method } from "./method.js";

/** Node, Deno and Bun ask for this method. */
const inspect = Symbol.for("nodejs.util.inspect.custom");

const hidden = "[redacted]";

/** Makes a message, and every part of it that may be printed alone, print its secret fields as `[redacted]`. The fields themselves stay as they are. */
export function hideSecrets(message: object, { secrets = [] }: Pick<Method, "secrets">): void {
  // A member of a oneof is `{ case, value }` in messages of protobuf-es.
  const isSecret = (name: string, { case: member = "" }: { readonly case?: string }): boolean => secrets.includes(name) || (name === "value" && secrets.includes(member));
  const isPlain = (value: unknown): value is object => typeof value === "object" && value !== null && !ArrayBuffer.isView(value);
  const redact = (value: unknown): unknown => {
    if (!isPlain(value)) return value;
    if (Array.isArray(value)) return value.map(redact);
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, isSecret(name, value) ? hidden : redact(inner)]));
  };
  // A list that grows, since parts may lie deeper in each other than calls can.
  const parts: [part: object, whole: boolean][] = [[message, false]];
  for (const [part, whole] of parts) {
    // Not enumerable, so that neither spreading nor JSON sees it.
    Reflect.defineProperty(part, inspect, { value: () => (whole ? hidden : redact(part)) });
    for (const [name, inner] of Object.entries(part)) if (isPlain(inner)) parts.push([inner, whole || isSecret(name, part)]);
  }
}
