/** Completes command lines: candidates for the word being typed, and the scripts by which shells ask for them. */
import { rpcCommands } from "../gen/commands.js";
import { ownFlags } from "./command-line.js";
import { outputs } from "./print.js";

/** Shells that can be helped, with their scripts. Each asks `parapet complete -- WORDS` for one candidate a line. */
export const completionScripts: Readonly<Record<"bash" | "zsh" | "fish", string>> = {
  bash: `_parapet() {
  local IFS=$'\\n'
  COMPREPLY=($(parapet complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _parapet parapet
`,
  zsh: `#compdef parapet
_parapet() {
  local -a found
  found=("\${(@f)$(parapet complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  compadd -a found
}
compdef _parapet parapet
`,
  fish: `complete -c parapet -f -a '(parapet complete -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
`,
};

/** Candidates for the last of these words; the others stand before it. `others` are commands that are no RPC. */
export function complete(words: readonly string[], others: readonly string[]): string[] {
  const [group = "", name = "", ...rest] = words;
  const last = words.at(-1) ?? "";
  const starting = (candidates: readonly string[]): string[] => [...new Set(candidates)].filter((candidate) => candidate.startsWith(last)).sort();
  if (words.length <= 1) return starting([...others, ...rpcCommands.map((command) => command.group)]);
  if (words.length === 2) return starting(rpcCommands.filter((command) => command.group === group).map((command) => command.name));
  const command = rpcCommands.find((each) => each.group === group && each.name === name);
  if (command === undefined) return [];
  const before = rest.at(-2)?.replace(/^--/, "");
  if (before === "output") return starting(outputs);
  const field = command.flags.find(({ flag }) => flag === before);
  if (field?.values !== undefined) return starting(field.values);
  const flags = command.flags.map(({ flag, secret }) => `--${flag}${secret ? "-file" : ""}`);
  return starting([...flags, ...Object.keys(ownFlags).map((flag) => `--${flag}`), "--help"]);
}
