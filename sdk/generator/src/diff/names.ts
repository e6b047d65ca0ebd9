/** What changed in the names that are made of a contract: those of a client, of commands, and in the OpenAPI document. What is renamed breaks who calls it. */
import type { Binding, Model } from "../model.js";
import { commandsOf, programOf } from "../targets/cli/emit.js";
import { componentNames, operationId, tagNames } from "../targets/openapi/names.js";
import { webhookNames } from "../targets/openapi/webhooks.js";
import { clientNames } from "../targets/typescript/emit.js";
import { type Change, named, pairs, told } from "./change.js";

/** Everything of one contract that has a made name: which element it is of, what it is, and the name. */
type Made = ReadonlyMap<string, { readonly element: string; readonly what: string; readonly name: string }>;

/** Compares the names of what both contracts have, as the targets give them by default. */
export function nameChanges(before: Model, after: Model): Change[] {
  return pairs(namesIn(before), namesIn(after)).flatMap(([, old, now]) =>
    old === undefined || now === undefined || old.name === now.name ? [] : named(now.element, [told("major", "same", `${now.what} is ${now.name} instead of ${old.name}`)]),
  );
}

function namesIn(model: Model): Made {
  const made = new Map<string, { element: string; what: string; name: string }>();
  const note = (element: string, what: string, name: string | undefined, key = what): void => {
    if (name !== undefined) made.set(`${element} ${key}`, { element, what, name });
  };
  const names = clientNames(model);
  const commands = commandsOf(model, names);
  const [tags, components] = [tagNames(model), componentNames(model)];
  note("client", "its class", names.facade);
  note("client", "its command", programOf(model));
  for (const service of model.services) {
    const { property, className } = names.service(service);
    note(service.fullName, "its class", className);
    note(service.fullName, "its property of the client", property);
    note(service.fullName, "its tag in OpenAPI", tags.get(service.fullName));
    for (const method of service.methods) {
      const { function: name, member } = names.method(method);
      const command = commands.get(method.fullName);
      note(method.fullName, "its function", name);
      note(method.fullName, "its method of the client", member);
      note(method.fullName, "its command", command && `${command.group} ${command.name}`);
      for (const binding of method.bindings) note(method.fullName, `operationId of ${routeOf(binding)}`, operationId(model, method, binding));
    }
  }
  for (const { fullName } of [...model.messages, ...model.enums]) {
    const [type, input] = [names.type(fullName), names.input(fullName)];
    note(fullName, "its type", type);
    note(fullName, "its type in requests", input === type ? undefined : input);
    note(fullName, "its schema in OpenAPI", components.get(fullName));
  }
  const posted = webhookNames(model);
  for (const { event } of model.webhooks) {
    note(`webhook ${event}`, "its type", names.webhook(event));
    note(`webhook ${event}`, "its operationId", posted.operationId(event));
  }
  if (model.webhooks.length > 0) {
    note("webhooks", "the type of all", names.webhooks);
    note("webhooks", "their tag in OpenAPI", posted.tag);
  }
  return made;
}

/** Names of variables are no part of it: those in paths may change. */
function routeOf({ verb, template }: Binding): string {
  return `${verb} ${template.replace(/\{([^=}]*)(?:=([^}]*))?\}/g, (_all, _name, parts: string | undefined) => `{${parts ?? "*"}}`)}`;
}
