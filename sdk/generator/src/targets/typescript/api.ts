/** api.md: every method with what it needs, how it fails, and how it is called. */
import type { Json, Method, Model } from "../../model.js";
import { generatedMark } from "../mark.js";
import { tsLiteral } from "../ts-literal.js";
import type { Names } from "./names.js";
import { commonReasons, isCallable, needsOf, ownReasons } from "./services.js";

/** Writes api.md. */
export function emitApi(model: Model, names: Names): string {
  const facade = names.facade.slice(0, 1).toLowerCase() + names.facade.slice(1);
  const shared = sharedReasons(model);
  const tables = model.services.map((service) => {
    const { property: member } = names.service(service);
    const rows = service.methods.map((method) => {
      const call = isCallable(method) ? `\`${facade}.${member}.${names.method(method).member}\`` : `\`${method.name}\` (bidirectional: use the connect layer)`;
      const [binding] = method.bindings;
      const cells = [call, binding ? `\`${binding.verb} ${binding.template}\`` : "–", needsOf(method), repeatOf(method), codes(ownReasons(method).filter((name) => !shared.includes(name)))];
      return `| ${cells.join(" | ")} |\n`;
    });
    const snippets = service.methods.filter(isCallable).map((method) => {
      const request = method.examples.request ?? method.examples.minimal ?? {};
      const target = `${facade}.${member}.${names.method(method).member}`;
      return `### ${member}.${names.method(method).member}\n\n${method.docs}\n\n\`\`\`ts\n${snippetOf(method, target, request)}\n\`\`\`\n`;
    });
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

${tables.join("\n")}`;
}

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

/** A call in TypeScript. `target` is the function that is called. */
export function snippetOf(method: Method, target: string, request: Json): string {
  const literal = tsLiteral(request);
  if (method.kind === "client_streaming") return `const response = await ${target}([${literal}]);`;
  const argument = literal === "{}" ? "" : literal;
  if (method.kind === "server_streaming") return `for await (const message of ${target}(${argument})) console.log(message);`;
  return method.paging ? `for await (const item of ${target}(${argument})) console.log(item);` : `const response = await ${target}(${argument});`;
}
