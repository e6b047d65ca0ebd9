/** The command `lint`: what a contract leaves open. */
import { parseArgs } from "node:util";
import { formatProblem } from "../errors.js";
import { lint } from "../lint/lint.js";
import { type Command, count } from "./command.js";
import { contractOptions, contractUsage, readContract } from "./contract.js";

/** Prints problems as `place: message (rule)`. */
export const lintCommand: Command = {
  usage: `${contractUsage} [--except RULE:METHOD]...`,
  summary: "fail for RPCs that leave access, limit, audit, idempotency or paging open, for REST conflicts and unmarked secrets",
  async run(args, { out, err }) {
    const { values } = parseArgs({ args: [...args], options: { ...contractOptions, except: { type: "string", multiple: true } } });
    const excepted = new Set(values.except ?? []);
    const used = new Set<string>();
    const problems = lint(await readContract(values)).filter(({ rule, message }) => {
      const name = `${rule}:${message.slice(0, message.indexOf(" "))}`;
      if (excepted.has(name)) used.add(name);
      return !excepted.has(name);
    });
    for (const problem of problems) err(formatProblem(problem));
    // An exception that excepts nothing would hide the next fault of that name.
    const stale = [...excepted].filter((name) => !used.has(name));
    for (const name of stale) err(`--except ${name}: there is nothing to except`);
    out(`parapet-generate: ${count(problems.length, "problem")}${used.size > 0 ? `, ${used.size} excepted` : ""}`);
    return problems.length + stale.length > 0 ? 1 : 0;
  },
};
