/** Target `typescript`: a typed client over `@parapet/sdk/runtime`, tree-shakeable function by function. */
import { posix } from "node:path";
import type { EnumType, MessageType, Model, OutputFile, Target } from "../../model.js";
import { tsHeader } from "../mark.js";
import { emitApi } from "./api.js";
import { jsdoc } from "./docs.js";
import { emitOperations, emitResponses } from "./layers.js";
import { relative } from "./modules.js";
import { createNames, type Names } from "./names.js";
import { type Reach, reachOf } from "./reach.js";
import { commonReasons, emitMethods, emitRules, emitService } from "./services.js";
import { emitTypes } from "./types.js";
import { emitWebhooks } from "./webhooks.js";

/** Writes types, functions, the facade and `api.md`. */
export const typescriptTarget: Target = {
  name: "typescript",
  summary: "a TypeScript client: types, one function per RPC, a facade, api.md",
  options: {
    source: "folder of the TypeScript files within that of the target (default: its own)",
    facade: "name of the facade's class (default: what all packages begin with)",
    package: "what api.md imports the client by, and receivers of events by with /webhooks behind it (default: its own files)",
  },
  emit: (model, options) => emit(model, options),
};

function emit(model: Model, { source = "", facade, package: from = `./${posix.join(source, "index.js")}` }: Readonly<Record<string, string>>): OutputFile[] {
  const reach = reachOf(model);
  const types = typesIn(model, reach);
  const names = clientNames(model, facade, reach);
  const packages = [...new Set(types.map((type) => type.package))].sort();

  const modules: [module: string, content: string][] = [
    ...packages.map((name): [string, string] => [names.typesModule(name), emitTypes(model, name, names, reach)]),
    ...model.services.map((service): [string, string] => [names.service(service).module, emitService(model, service, names)]),
    ["reasons", emitReasons(model)],
    ["facade", emitFacade(model, names)],
    ["methods", emitMethods(model, names)],
    ["rules", emitRules(model)],
    ["responses", emitResponses(model, names)],
    ["operations", emitOperations(model, names)],
    ...(model.webhooks.length > 0 ? [["webhooks", emitWebhooks(model, names)] satisfies [string, string]] : []),
  ];
  // What is for other layers than this one, or for receivers alone, is imported by its own path.
  const index = modules.filter(([module]) => !["rules", "responses", "operations", "webhooks"].includes(module)).map(([module]) => `export * from "${relative("index", module)}";\n`).sort().join("");
  return [
    ...modules.map(([module, content]) => ({ path: posix.join(source, `${module}.ts`), content })),
    { path: posix.join(source, "index.ts"), content: `${tsHeader("Everything that was generated")}${index}` },
    { path: "api.md", content: emitApi(model, names, { client: from, webhooks: from.startsWith(".") ? from.replace(/index\.js$/, "webhooks.js") : `${from}/webhooks` }) },
  ];
}

/** Messages and enums that get a type. */
function typesIn({ messages, enums }: Model, reach: Reach): (MessageType | EnumType)[] {
  return [...messages, ...enums].filter(({ fullName }) => reach.requests.has(fullName) || reach.responses.has(fullName));
}

/** The names of everything in the client of a contract. */
export function clientNames(model: Model, facade?: string, reach = reachOf(model)): Names {
  const both = model.messages.map(({ fullName }) => fullName).filter((name) => reach.requests.has(name) && reach.responses.has(name));
  return createNames(model, typesIn(model, reach), new Set(both), facade);
}

function emitReasons(model: Model): string {
  const reasons = model.reasons.map((reason) => `${jsdoc([reason.docs, `Code \`${reason.code}\`.`], { indent: "  " })}  | ${JSON.stringify(reason.name)}`);
  const common = commonReasons(model).map((name) => `\n  | ${JSON.stringify(name)}`);
  return `${tsHeader("Reasons of errors")}
/** Every reason a server gives. */
export type Reason =
${reasons.join("\n") || "  never"};

/** Reasons that any call can meet. */
export type CommonReason =${common.join("") || " never"};
`;
}

function emitFacade(model: Model, names: Names): string {
  const services = model.services.map((service) => ({ service, ...names.service(service) }));
  const imports = services.map(({ className, module }) => `import { ${className} } from "${relative("facade", module)}";\n`);
  const fields = services.map(({ service, property, className }) => `${jsdoc([service.docs], { deprecated: service.deprecated, indent: "  " })}  readonly ${property}: ${className};\n`);
  const made = services.map(({ property, className }) => `    this.${property} = new ${className}(this.#client);\n`);
  return `${tsHeader("All services behind one class")}import * as rt from "@parapet/sdk/runtime";
${imports.join("")}
/** The client: one property per service. To bundle single methods, use \`createClient\` and the functions instead. */
export class ${names.facade} {
  readonly #client: rt.Client;
${fields.join("")}
  /** Throws ParapetError (REQUEST_INVALID, CREDENTIAL_UNAVAILABLE) for options that cannot work. */
  constructor(options: rt.ClientOptions) {
    this.#client = rt.createClient(options);
${made.join("")}  }

  /** What the functions take as their first argument. */
  get client(): rt.Client {
    return this.#client;
  }
}
`;
}
