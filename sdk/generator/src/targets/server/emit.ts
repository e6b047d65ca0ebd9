/** Target `server`: a server that starts and passes its contract's conformance before a line of it is written by hand. */
import { posix } from "node:path";
import { GeneratorError, type Problem } from "../../errors.js";
import type { Image } from "../../image.js";
import type { Json, Method, Model, OutputFile, Target } from "../../model.js";
import { isJsonObject } from "../../json.js";
import { tsHeader } from "../mark.js";
import { restTarget } from "../rest/emit.js";
import { tsLiteral } from "../ts-literal.js";
import { type Named, namesOf } from "./names.js";

/** Writes `main.ts` and a file for each service once, and what they stand on every time. */
export const serverTarget: Target = {
  name: "server",
  summary: "main.ts and services/*.ts to go on with by hand, never overwritten, on top of gen/server/*.ts",
  scaffolds: true,
  options: { messages: "folder of protoc-gen-es's files, seen from the target's folder (default: gen)" },
  emit: (model, { messages = "gen" }, image) => emitServer(model, messages, image),
};

const here = "gen/server";

function emitServer(model: Model, messages: string, image: Image): OutputFile[] {
  checkMethods(model);
  const services = namesOf(model, messages, image);
  return [
    ...restTarget.emit(model, {}, image).map((file) => ({ ...file, path: `${here}/${file.path}` })),
    { path: `${here}/samples.ts`, content: emitSamples(services) },
    { path: `${here}/services.ts`, content: emitRegistration(services) },
    ...services.map((named): OutputFile => ({ path: `services/${named.file}.ts`, content: emitHandlers(named), once: true, importedBy: `${here}/services.ts` })),
    { path: "main.ts", content: emitMain(), once: true },
  ];
}

/** Handlers are found by the names that protobuf-es gives to methods, in which case may be lost. */
function checkMethods({ services }: Model): void {
  const problems = services.flatMap(({ methods }) => {
    const first = new Map<string, Method>();
    return methods.flatMap((method): Problem[] => {
      const other = first.get(method.localName);
      if (other === undefined) first.set(method.localName, method);
      return other === undefined ? [] : [{ rule: "name-clash", place: method.fullName, message: `its handler would be "${method.localName}", as that of ${other.fullName} is` }];
    });
  });
  if (problems.length > 0) throw new GeneratorError(problems);
}

function importOf({ descriptor, alias, module }: Named, from: string): string {
  const path = posix.relative(from, module);
  return `import { ${descriptor === alias ? alias : `${descriptor} as ${alias}`} } from "${path.startsWith(".") ? path : `./${path}`}";\n`;
}

/** How far in a sample stands. */
const indents: Readonly<Record<Method["kind"], string>> = { unary: "  ", server_streaming: "    ", client_streaming: "    ", bidi_streaming: "    " };

/** How a handler of each kind answers with one sample. */
const answers: Readonly<Record<Method["kind"], (name: string, sample: string) => string>> = {
  // Only a computed key makes a property of this name.
  unary: (name, sample) => `${name === "__proto__" ? '["__proto__"]' : name}: () => ${sample}`,
  server_streaming: (name, sample) => `async *${name}() {\n    yield ${sample};\n  }`,
  client_streaming: (name, sample) => `async ${name}(requests) {\n    await drained(requests);\n    return ${sample};\n  }`,
  bidi_streaming: (name, sample) => `async *${name}(requests) {\n    for await (const _ of requests) yield ${sample};\n  }`,
};

/** A sample; of a list it is the last page, or clients would go on for ever. */
function responseOf({ examples: { response }, paging }: Method): Json | undefined {
  if (!isJsonObject(response) || paging === undefined) return response;
  // The name by which the convention knows it (AIP-158).
  const { nextPageToken: _, ...page } = response;
  return page;
}

function emitSamples(services: readonly Named[]): string {
  const drains = services.some(({ service }) => service.methods.some(({ kind }) => kind === "client_streaming"));
  const objects = services.map((named) => {
    const handlers = named.service.methods.map((method) => {
      const output = `${named.alias}.method.${method.localName}.output`;
      const response = responseOf(method);
      const sample = response === undefined ? `create(${output})` : `fromJson(${output}, ${tsLiteral(response, indents[method.kind])})`;
      return `  /** ${method.name}: a response that keeps the contract's rules. */\n  ${answers[method.kind](method.localName, sample)},\n`;
    });
    return `\n/** Handlers of ${named.service.fullName} that answer everybody alike. */\nexport const ${named.local}Samples: ServiceImpl<typeof ${named.alias}> = {\n${handlers.join("")}};\n`;
  });
  const body = objects.join("");
  const needed = ["create", "fromJson"].filter((name) => body.includes(`${name}(`));
  return `${tsHeader("Sample handlers of every service, to start from")}${needed.length > 0 ? `import { ${needed.join(", ")} } from "@bufbuild/protobuf";\n` : ""}import type { ServiceImpl } from "@connectrpc/connect";
${services.map((named) => importOf(named, here)).join("")}${body}${drains ? "\nasync function drained(messages: AsyncIterable<unknown>): Promise<void> {\n  for await (const _ of messages);\n}\n" : ""}`;
}

function emitRegistration(services: readonly Named[]): string {
  return `${tsHeader("Registers the handlers of every service")}import type { ServiceRegistrar } from "@parapet/server";
${services.map((named) => importOf(named, here)).join("")}${services.map(({ local, file }) => `import { ${local} } from "../../services/${file}.js";\n`).join("")}
/** Registers every service of the contract. */
export function services(router: ServiceRegistrar): void {
${services.map((named) => `  router.service(${named.alias}, ${named.local});\n`).join("")}}
`;
}

function emitHandlers(named: Named): string {
  const { service, local } = named;
  return `/** ${service.name}: its handlers. This file is yours. */
import type { ServiceImpl } from "@connectrpc/connect";
${importOf(named, "services")}import { ${local}Samples } from "../gen/server/samples.js";

/** What is not written here answers with a sample. Nothing here asks who is calling: the contract's policy has been enforced before. */
export const ${local}: ServiceImpl<typeof ${named.alias}> = {
  ...${local}Samples,
};
`;
}

function emitMain(): string {
  return `/** Starts the server: gRPC, gRPC-Web, Connect and REST on one port, behind the contract's policy. This file is yours. */
import { createLog, createParapet, openCredentialsFile, openFileAuditSink } from "@parapet/server";
import { routes } from "./gen/server/routes.js";
import { services } from "./gen/server/services.js";

const { PORT = "8080", HOST = "127.0.0.1", CREDENTIALS_FILE = "credentials.json", AUDIT_FILE = "audit.ndjson" } = process.env;
const log = createLog("warn", (line) => void process.stderr.write(line));
const audit = await openFileAuditSink(AUDIT_FILE);
const parapet = createParapet({
  services,
  rest: routes,
  identity: openCredentialsFile({ path: CREDENTIALS_FILE, log }),
  audit,
  log,
});
const port = await parapet.listen({ hosts: [HOST], port: Number(PORT) });
console.log(\`listening on http://\${HOST}:\${port}\`);

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    void parapet.close().then(async () => {
      await audit.close();
      process.exit(0);
    });
  });
}
`;
}
