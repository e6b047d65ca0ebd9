/** Which types requests hold, and which responses. */
import type { Model } from "../../model.js";
import { indexOf } from "../../model-index.js";

/** Full names of messages and enums that the methods and events reach. */
export interface Reach {
  readonly requests: ReadonlySet<string>;
  /** What the server writes: responses, and what it posts. */
  readonly responses: ReadonlySet<string>;
}

/** Follows the fields of all requests, and of all that the server writes. */
export function reachOf(model: Model): Reach {
  const { messages } = indexOf(model);
  const collect = (roots: readonly string[]): Set<string> => {
    const found = new Set<string>();
    const visit = (name: string): void => {
      if (found.has(name)) return;
      found.add(name);
      for (const { type } of messages.get(name)?.fields ?? []) {
        if (type.kind !== "scalar") visit(type.name);
      }
    };
    roots.forEach(visit);
    return found;
  };
  const methods = model.services.flatMap((service) => service.methods);
  return {
    requests: collect(methods.map(({ request }) => request)),
    responses: collect([...methods.map(({ response }) => response), ...model.webhooks.map(({ payload }) => payload)]),
  };
}
