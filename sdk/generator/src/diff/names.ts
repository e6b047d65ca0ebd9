/** What changed in the names that are made of a contract: those of a client, of commands, and in the OpenAPI document. What is renamed breaks who calls it. */
import type { Binding, Model } from "../model.js";
import { commandsOf, programOf } from "../targets/cli/emit.js";
import { schemasOf } from "../targets/openapi/document.js";
import { componentNames, operationId, tagNames } from "../targets/openapi/names.js";
import { webhookNames } from "../targets/openapi/webhooks.js";
import { clientNames } from "../targets/typescript/emit.js";
import { reachOf } from "../targets/typescript/reach.js";
import { type Change, named, pairs, type Told, told } from "./change.js";

/** Everything of one contract that has a made name: which element it is of, what it is, and the name. */
type Made = ReadonlyMap<string, { readonly element: string; readonly what: string; readonly name: string }>;

/** Compares the names of what both contracts have, as the targets give them by default. */
export function nameChanges(before: Model, after: Model): Change[] {
  return [
    ...pairs(namesIn(before), namesIn(after)).flatMap(([, old, now]) =>
      old === undefined || now === undefined || old.name === now.name ? [] : named(now.element, [told("major", "same", `${now.what} is ${now.name} instead of ${old.name}`)]),
    ),
    ...pairs(formsIn(before), formsIn(after)).flatMap(([fullName, old, now]) => (old && now ? named(fullName, [...formChanges("type in requests", old.type, now.type), ...formChanges("schema of requests in OpenAPI", old.schema, now.schema)]) : [])),
  ];
}

/** A name that a message may have a second one of, for requests, where responses hold it as well. */
interface Form {
  /** The name in responses, or everywhere. */
  readonly plain: string;
  /** The name in requests; undefined where no request holds it. */
  readonly asked: string | undefined;
}

/** What a message that becomes both request and response, or stops to be, does to what its callers have written. A rename alone is told of its plain name. */
function formChanges(what: string, old: Form, now: Form): Told[] {
  const isSecond = ({ plain, asked }: Form): boolean => asked !== undefined && asked !== plain;
  if (old.asked === now.asked || (!isSecond(old) && !isSecond(now))) return [];
  if (old.asked === undefined) return [told("minor", "same", `its ${what}, ${now.asked}, was added`)];
  if (now.asked === undefined) return [told("major", "same", `its ${what}, ${old.asked}, was removed`)];
  return [told("major", "same", `its ${what} is ${now.asked} instead of ${old.asked}`)];
}

/** The names of each message in requests. */
function formsIn(model: Model): ReadonlyMap<string, { readonly type: Form; readonly schema: Form }> {
  const [names, reach, schemas] = [clientNames(model), reachOf(model), schemasOf(model)];
  const componentOf = (fullName: string): string | undefined => {
    const component = schemas.componentOf(fullName, "in");
    return Object.hasOwn(schemas.components, component) ? component : undefined;
  };
  return new Map(
    model.messages.map(({ fullName }) => [
      fullName,
      {
        type: { plain: names.type(fullName), asked: reach.requests.has(fullName) ? names.input(fullName) : undefined },
        schema: { plain: schemas.componentOf(fullName, "out"), asked: reach.requests.has(fullName) ? componentOf(fullName) : undefined },
      },
    ]),
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
    note(fullName, "its type", names.type(fullName));
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
