/** Calls in TypeScript, alike wherever they are shown: in api.md, in the reference and in the OpenAPI document. */
import type { Method, Webhook } from "../../model.js";
import { tsLiteral } from "../ts-literal.js";
import { lowerWord, type Names } from "./names.js";
import { wordsOf } from "../../words.js";

/** What snippets call the client. */
export function facadeVariable({ facade }: Names): string {
  return lowerWord(facade);
}

/** A call of a method with its example request. */
export function snippetOf(method: Method, names: Names): string {
  const { property } = names.service({ fullName: method.service });
  const target = `${facadeVariable(names)}.${property}.${names.method(method).member}`;
  const literal = tsLiteral(method.examples.request ?? method.examples.minimal ?? {});
  if (method.kind === "client_streaming") return `const response = await ${target}([${literal}]);`;
  const argument = literal === "{}" ? "" : literal;
  if (method.kind === "server_streaming") return `for await (const message of ${target}(${argument})) console.log(message);`;
  return method.paging ? `for await (const item of ${target}(${argument})) console.log(item);` : `const response = await ${target}(${argument});`;
}

/** A receiver of webhooks, as a handler of the Fetch standard. `from` is the module that verifies. */
export function receiverOf(webhooks: readonly Webhook[], from: string): string {
  const { event } = webhooks.find(({ deprecated }) => !deprecated) ?? webhooks[0]!;
  return `import { verifyWebhook } from ${JSON.stringify(from)};

export async function receive(request: Request): Promise<Response> {
  const event = await verifyWebhook({ body: await request.text(), headers: request.headers, secrets: [process.env.WEBHOOK_SECRET ?? ""] });
  switch (event.type) {
    case ${JSON.stringify(event)}:
      console.log(event.id, event.timestamp, event.data);
  }
  return new Response(null, { status: 204 });
}`;
}

/** What stands ahead of snippets: the client, with an API key out of the environment. `from` is the package or file of the client. */
export function preambleOf(names: Names, from: string, server: string): string {
  const { facade } = names;
  const variable = wordsOf(facade).join("_").toUpperCase();
  return `import { ${facade} } from ${JSON.stringify(from)};

const ${facadeVariable(names)} = new ${facade}({ baseUrl: ${JSON.stringify(server)}, apiKey: process.env.${variable}_API_KEY });`;
}
