/** Looks up the types of a model by their full names: one index a model, because models do not change and many ask. */
import type { EnumType, MessageType, Model } from "./model.js";

/** Messages and enums by full name. */
export interface ModelIndex {
  readonly messages: ReadonlyMap<string, MessageType>;
  readonly enums: ReadonlyMap<string, EnumType>;
}

const indexes = new WeakMap<Model, ModelIndex>();

/** The index of a model. */
export function indexOf(model: Model): ModelIndex {
  const index = indexes.get(model) ?? {
    messages: new Map(model.messages.map((message) => [message.fullName, message])),
    enums: new Map(model.enums.map((each) => [each.fullName, each])),
  };
  indexes.set(model, index);
  return index;
}
