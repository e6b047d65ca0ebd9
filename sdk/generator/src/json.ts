/** Careful access to JSON objects, whose members may be named like what every object inherits. */
import type { Json, JsonObject } from "./model.js";

/** A member of an object; undefined where it has none of its own. */
export function memberOf(object: JsonObject | undefined, name: string): Json | undefined {
  return object !== undefined && Object.hasOwn(object, name) ? object[name] : undefined;
}

/** True for objects that are no lists. */
export function isJsonObject(value: Json | undefined): value is Record<string, Json> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A deep copy that may be changed; many times faster than `structuredClone`, which knows more than JSON. */
export function copyOf(value: JsonObject): Record<string, Json> {
  return copied(value) as Record<string, Json>;
}

function copied(value: Json): Json {
  if (Array.isArray(value)) return (value as readonly Json[]).map(copied);
  if (!isJsonObject(value)) return value;
  const copy: Record<string, Json> = {};
  for (const [name, item] of Object.entries(value)) {
    // Only so does an object have a member of this name.
    if (name === "__proto__") Object.defineProperty(copy, name, { value: copied(item), enumerable: true, configurable: true, writable: true });
    else copy[name] = copied(item);
  }
  return copy;
}
