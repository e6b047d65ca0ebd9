/** The types that a google.protobuf.Any may hold in JSON: those of a file and of what it imports. */
import { createRegistry, type DescFile, type DescMessage, type Registry } from "@bufbuild/protobuf";

const memo = new WeakMap<DescFile, Registry>();

/** The types beside a message type. The same object for the same file. */
export function typesBeside({ file }: DescMessage): Registry {
  let registry = memo.get(file);
  if (registry === undefined) memo.set(file, (registry = createRegistry(...filesFrom([file]))));
  return registry;
}

/** The types beside any of several message types. */
export function typesBesideAll(descs: readonly DescMessage[]): Registry {
  return createRegistry(...filesFrom(descs.map(({ file }) => file)));
}

function filesFrom(files: readonly DescFile[], found = new Set<DescFile>()): Set<DescFile> {
  for (const file of files) {
    if (found.has(file)) continue;
    found.add(file);
    filesFrom(file.dependencies, found);
  }
  return found;
}
