/** Prints the configuration: the values in force for an operator, and the table of variables for the reference. */
import type { Loaded } from "../config.js";
import { type Variable, type VariableKey, variables } from "./variables.js";

const entries = Object.entries(variables) as [VariableKey, Variable<unknown>][];

/** One line a variable: `NAME=value  # source`. Secrets show only that they are set. */
export function describeConfig({ config, sources }: Loaded): string {
  const lines = entries.map(([key, { name, kind, secret }]) => {
    const value = config[key];
    const shown = value === undefined ? "" : secret ? "[redacted]" : kind.print(value);
    return { left: `${name}=${shown}`, source: sources[key] };
  });
  const width = Math.min(60, Math.max(...lines.map(({ left }) => left.length)));
  return lines.map(({ left, source }) => `${left.padEnd(width)}  # ${source}\n`).join("");
}

/** The reference as a Markdown table, made of nothing but the table of variables. */
export function variablesMarkdown(): string {
  const rows = entries.map(([, { name, alias, kind, fallback, secret, doc }]) => {
    const names = [`\`${name}\``, ...(secret ? [`\`${name}_FILE\``] : []), ...(alias ? [`\`${alias}\``] : [])].join("<br>");
    return `| ${names} | ${kind.name} | ${fallback ? `\`${fallback}\`` : "–"} | ${doc} |`;
  });
  return ["| variable | kind | default | meaning |", "|---|---|---|---|", ...rows, ""].join("\n");
}
