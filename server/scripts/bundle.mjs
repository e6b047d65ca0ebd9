// Joins the modules of `parapet serve` and of its workers, ours and other people's, into few files: reading 460 of them is most of what a start costs.

import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown, VERSION } from "rolldown";

const server = fileURLToPath(new URL("..", import.meta.url));
const out = join(server, "dist/program");
/** What the bundle was made of. */
const inputsName = "inputs.json";
const script = fileURLToPath(import.meta.url);

/** Packages that stay where npm put them: they load what was compiled for the machine. */
const external = ["lmdb", "@node-rs/argon2"];

if (!isFresh()) {
  const made = `${out}-${process.pid}`;
  const bundle = await rolldown({
    input: { program: join(server, "dist/program.js"), worker: join(server, "dist/workers/worker.js") },
    platform: "node",
    external,
    plugins: [rulesWhenAskedFor()],
    onLog(level, log, handle) {
      if (level === "warn") throw new Error(log.message);
      handle(level, log);
    },
  });
  // All in one folder, two levels below the package as the modules themselves: `docs-page` finds its assets from either.
  const { output } = await bundle.write({ dir: made, format: "esm", sourcemap: "hidden", entryFileNames: "[name].js", chunkFileNames: "shared.js" });
  await bundle.close();
  const modules = [...new Set(output.flatMap((chunk) => (chunk.type === "chunk" ? chunk.moduleIds : [])))].filter((id) => existsSync(id)).toSorted();
  writeFileSync(join(made, "LICENSES.txt"), licences(modules));
  writeFileSync(join(made, inputsName), `${JSON.stringify({ rolldown: VERSION, files: Object.fromEntries([script, ...modules].map((file) => [relative(server, file), signOf(file)])) }, null, 1)}\n`);
  // A server that starts meanwhile finds the old files or the new ones.
  rmSync(out, { recursive: true, force: true });
  renameSync(made, out);
}

/** True if nothing that the bundle was made of has changed since. */
function isFresh() {
  const inputs = join(out, inputsName);
  if (!existsSync(inputs)) return false;
  const { rolldown: version, files } = JSON.parse(readFileSync(inputs, "utf8"));
  return version === VERSION && Object.entries(files).every(([file, sign]) => signOf(join(server, file)) === sign);
}

/** Differs once a file was written again. */
function signOf(file) {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat && `${stat.mtimeMs} ${stat.size}`;
}

/**
 * protovalidate compiles the CEL of every rule that a type of field can have, 116 for our contract, though nearly all rules in
 * use run without CEL. Here each is compiled when the plan of a message takes it: still at start, as plans are made then.
 */
function rulesWhenAskedFor() {
  const eager = "compiled: this.compileRule(rule),";
  const lazy = "get compiled() { const compiled = manager.compileRule(rule); Object.defineProperty(this, \"compiled\", { value: compiled }); return compiled; },";
  let changed = 0;
  return {
    name: "rules-when-asked-for",
    transform: {
      filter: { id: /[\\/]@bufbuild[\\/]protovalidate[\\/]dist[\\/]esm[\\/]cel\.js$/ },
      handler(code) {
        const parts = code.split(eager);
        const head = "const standard = [];";
        if (parts.length !== 3 || !code.includes(head)) throw new Error("protovalidate compiles its rules in another way than this script knows");
        changed += 1;
        // No line moves, so the places stay as they are.
        return { code: parts.join(lazy).replace(head, `const manager = this; ${head}`), map: null };
      },
    },
    buildEnd() {
      if (changed !== 1) throw new Error("protovalidate was not found");
    },
  };
}

/** What the licences of other people's code ask for: their notices and texts beside it. */
function licences(modules) {
  const theirs = modules.filter((id) => id.includes(`node_modules${sep}`));
  return [...new Set(theirs.map(packageOf))].map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const notices = new Set(theirs.filter((id) => id.startsWith(folder + sep)).flatMap((file) => readFileSync(file, "utf8").match(/^\/\/ Copyright .*$/gm) ?? []).map((line) => line.slice(3)));
    const text = ["LICENSE", "LICENSE.md", "LICENSE.txt"].map((file) => join(folder, file)).find(existsSync);
    return [`${name} ${version} (${license})`, ...notices, ...(text === undefined ? [] : ["", readFileSync(text, "utf8").trim()])].join("\n");
  }).join(`\n\n${"-".repeat(80)}\n\n`).concat("\n");
}

/** The folder of the package that a module belongs to. */
function packageOf(file) {
  let folder = dirname(file);
  while (!(existsSync(join(folder, "package.json")) && JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).version !== undefined)) folder = dirname(folder);
  return folder;
}
