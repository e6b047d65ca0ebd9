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
