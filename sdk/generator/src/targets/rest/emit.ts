/** Target `rest`: the REST bindings of all methods as one table for a router. */
import type { Model, Target } from "../../model.js";
import { tsHeader } from "../mark.js";

/** Writes `routes.ts`. */
export const restTarget: Target = {
  name: "rest",
  summary: "routes.ts: every REST binding, parsed",
  emit: (model) => [{ path: "routes.ts", content: emitRoutes(model) }],
};

const types = `
/** One REST binding of a method (google/api/http.proto). */
export interface RestRoute {
  /** \`package.Service/Method\`. */
  readonly method: string;
  readonly verb: "GET" | "PUT" | "POST" | "DELETE" | "PATCH";
  /** The path template as the contract writes it. */
  readonly template: string;
  /** Path segments: literals, \`*\` for one, \`**\` for any number (last only). */
  readonly parts: readonly string[];
  /** A variable captures \`parts[from..to)\` into the request field at a dotted proto path. */
  readonly variables: readonly { readonly field: string; readonly from: number; readonly to: number }[];
  /** Custom verb behind the last segment, without its colon; or empty. */
  readonly action: string;
  /** \`""\` no body, \`"*"\` the whole request, or the proto name of a request field. */
  readonly body: string;
  /** \`""\` the whole response, or the proto name of a response field. */
  readonly responseBody: string;
}

/**
 * Every REST binding, services sorted by name, methods in the order of the contract. Where two match a path, one lies
 * within the other: the first part that differs decides, a literal before \`*\` before \`**\`, an action before none.
 */
export const routes: readonly RestRoute[] = [
`;

function emitRoutes(model: Model): string {
  const lines = model.services
    .flatMap((service) => service.methods)
    .flatMap((method) =>
      method.bindings.map(({ verb, template, parts, variables, action, body, responseBody }) =>
        JSON.stringify({ method: method.fullName, verb, template, parts, variables, action, body, responseBody }),
      ),
    );
  return `${tsHeader("REST routes of the contract")}${types}${lines.map((line) => `  ${line},\n`).join("")}];\n`;
}
