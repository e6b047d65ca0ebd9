/** Completes command lines: candidates for the word being typed, and the scripts by which shells ask for them. */
import type { RpcCommand } from "../gen/commands.js";
import { ownFlags, takesValue } from "./command-line.js";
import { outputs } from "./outputs.js";

/** Shells that can be helped. */
export const shells = ["bash", "zsh", "fish"] as const;

/** The script of a shell, which asks `PROGRAM complete -- WORDS` for one candidate a line; undefined for a shell that is none of them. */
export function completionScript(program: string, shell: string): string | undefined {
  return Object.hasOwn(scripts, shell) ? scripts[shell as keyof typeof scripts](program, `_${program.replaceAll("-", "_")}`) : undefined;
}

// Where there is no candidate, each shell offers files.
const scripts: Readonly<Record<(typeof shells)[number], (program: string, name: string) => string>> = {
  bash: (program, name) => `${name}() {
  local IFS=$'\\n'
  COMPREPLY=($(${program} complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F ${name} ${program}
`,
  // The file works from fpath, where its first call is to complete, and sourced.
  zsh: (program, name) => `#compdef ${program}
${name}() {
  local -a found
  found=(\${(f)"$(${program} complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)"})
  if (( $#found )); then compadd -a found; else _files; fi
}
if [[ $funcstack[1] == ${name} ]]; then ${name} "$@"; else compdef ${name} ${program}; fi
`,
  fish: (program, name) => `function _${name}
  set -l found (${program} complete -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)
  if test (count $found) -gt 0
    printf '%s\\n' $found
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c ${program} -f -a '(_${name})'
`,
};

/** Candidates for the last of these words; the others stand before it. `others` are commands that are no RPC. */
export function complete(words: readonly string[], commands: readonly RpcCommand[], others: readonly string[]): string[] {
  const [group = "", name = "", ...rest] = words;
  const last = words.at(-1) ?? "";
  const starting = (candidates: readonly string[]): string[] => [...new Set(candidates)].filter((candidate) => candidate.startsWith(last)).sort();
  if (words.length <= 1) return starting([...others, ...commands.map((command) => command.group)]);
  if (words.length === 2) return starting(commands.filter((command) => command.group === group).map((command) => command.name));
  const command = commands.find((each) => each.group === group && each.name === name);
  if (command === undefined) return [];
  const before = rest.at(-2) ?? "";
  if (before === "--output") return starting(outputs);
  const field = command.flags.find(({ flag, secret }) => before === `--${flag}${secret ? "-file" : ""}`);
  if (field?.values !== undefined) return starting(field.values);
  // What a flag wants and nobody can list.
  if ((field !== undefined && field.kind !== "bool") || takesValue(before)) return [];
  const flags = command.flags.map(({ flag, secret }) => `--${flag}${secret ? "-file" : ""}`);
  return starting([...flags, ...Object.keys(ownFlags).map((flag) => `--${flag}`), "--help"]);
}
