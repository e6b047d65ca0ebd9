/** api.md: every method with what it needs, how it fails, and how it is called. */
import type { Method, Model } from "../../model.js";
import { cell } from "../docs/markdown.js";
import { generatedMark } from "../mark.js";
import type { Names } from "./names.js";
import { commonReasons, isCallable, needsOf, ownReasons } from "./services.js";
import { facadeVariable, preambleOf, receiverOf, snippetOf } from "./snippet.js";

/** What a user imports by which name. */
export interface ImportedBy {
  readonly client: string;
  readonly webhooks: string;
}

/** Writes api.md. */
export function emitApi(model: Model, names: Names, from: ImportedBy): string {
  const facade = facadeVariable(names);
  const shared = sharedReasons(model);
  const tables = model.services.map((service) => {
    const { property: member } = names.service(service);
    const rows = service.methods.map((method) => {
      const call = isCallable(method) ? `\`${facade}.${member}.${names.method(method).member}\`` : `\`${method.name}\` (bidirectional: use the connect layer)`;
      const [binding] = method.bindings;
      const cells = [call + (method.deprecated ? " **Deprecated.**" : ""), binding ? `\`${binding.verb} ${binding.template}\`` : "–", needsOf(method), repeatOf(method), codes(ownReasons(method).filter((name) => !shared.includes(name)))];
      return `| ${cells.join(" | ")} |\n`;
    });
    const snippets = service.methods.filter(isCallable).map((method) => `### ${member}.${names.method(method).member}\n\n${method.deprecated ? "**Deprecated.**\n\n" : ""}${method.docs}\n\n${fenced(snippetOf(method, names))}\n`);
    const head = "| method | REST | needs | repeats | reasons |\n|---|---|---|---|---|\n";
    return `## ${member}\n\n${service.docs}\n\n${head}${rows.join("")}\n${snippets.join("\n")}`;
  });
  const [first] = model.services.flatMap((service) => service.methods);
  const example = first ? `, such as \`${names.method(first).reason}\`,` : "";
  return `<!-- ${generatedMark} -->
# Methods

Calls fail with \`ParapetError\`. A method's own type${example} names every reason it can meet.
To keep the tables short, those that most methods share stand here: ${codes(shared)}; and those that any call can meet (\`CommonReason\`): ${codes(commonReasons(model))}.

"repeats": whether the client sends a call again after a failure that passes; "with a key": with the same Idempotency-Key each time; "resumes": a broken stream goes on behind its last message.

Over gRPC, gRPC-Web and REST the same methods page and give their outcome through \`paginate\` and \`result\` of the layers for these, typed with the same items and reasons: see the README of \`@parapet/sdk\`.

The snippets below stand behind this:

${fenced(preambleOf(names, from.client, "http://localhost:11023"))}

${tables.join("\n")}${webhooksOf(model, names, from)}`;
}

/** What is posted, and how it is received; empty where nothing is. */
function webhooksOf({ webhooks }: Model, names: Names, from: ImportedBy): string {
  if (webhooks.length === 0) return "";
  const rows = webhooks.map(({ event, docs, deprecated }) => `| \`${event}\` | \`${names.webhook(event)}\` | ${cell(docs).replaceAll("|", "\\|")}${deprecated ? " **Deprecated.**" : ""} |\n`);
  return `
## Webhooks

What the server posts to those who subscribed, by [Standard Webhooks](https://www.standardwebhooks.com). \`verifyWebhook\` checks signature and time stamp and gives the event, typed by its \`type\`.

| event | type | when |
|---|---|---|
${rows.join("")}
${fenced(receiverOf(webhooks, from.webhooks))}

Answer 2xx soon, and work afterwards: anything else is posted again, and 410 ends it. Ignore an \`id\` that was there before. Fails with \`WEBHOOK_HEADER_MISSING\`,
\`WEBHOOK_TIMESTAMP_OUTSIDE_WINDOW\`, \`WEBHOOK_SIGNATURE_INVALID\` or \`WEBHOOK_BODY_MALFORMED\`, for which 400 is the answer; and with \`WEBHOOK_TYPE_UNKNOWN\` for an event that a newer
server has: it is genuine, so answer 2xx.
`;
}

const fenced = (code: string): string => `\`\`\`ts\n${code}\n\`\`\``;

/** Reasons that more than half of the methods share. */
function sharedReasons(model: Model): string[] {
  const methods = model.services.flatMap((service) => service.methods);
  const all = [...new Set(methods.flatMap(ownReasons))].sort();
  return all.filter((name) => methods.filter((method) => ownReasons(method).includes(name)).length * 2 > methods.length);
}

const codes = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(" ");

function repeatOf({ idempotency, policy }: Method): string {
  if (policy.resume) return "yes, and resumes";
  if (idempotency !== "unknown") return "yes";
  return policy.idempotencyKey === "ignored" ? "no" : "with a key";
}
