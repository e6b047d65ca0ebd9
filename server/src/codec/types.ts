/** The types that a google.protobuf.Any may hold in JSON: those of a file and of what it imports, and those that have a JSON form of their own. */
import { createRegistry, type DescFile, type Registry } from "@bufbuild/protobuf";
import {
  file_google_protobuf_any,
  file_google_protobuf_duration,
  file_google_protobuf_empty,
  file_google_protobuf_field_mask,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
} from "@bufbuild/protobuf/wkt";

/** What every parser of ProtoJSON knows. A contract's own file of the same name stands in for it. */
const wellKnown: readonly DescFile[] = [
  file_google_protobuf_any,
  file_google_protobuf_duration,
  file_google_protobuf_empty,
  file_google_protobuf_field_mask,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
];

/** What a file declares. */
interface Declared {
  readonly file: DescFile;
}

const memo = new WeakMap<DescFile, Registry>();

/** The types beside a message type or a service. The same object for the same file. */
export function typesBeside({ file }: Declared): Registry {
  let registry = memo.get(file);
  if (registry === undefined) memo.set(file, (registry = createRegistry(...wellKnown, ...filesFrom([file]))));
  return registry;
}

/** The types beside any of several message types and services. */
export function typesBesideAll(descs: readonly Declared[]): Registry {
  return createRegistry(...wellKnown, ...filesFrom(descs.map(({ file }) => file)));
}

function filesFrom(files: readonly DescFile[], found = new Set<DescFile>()): Set<DescFile> {
  for (const file of files) {
    if (found.has(file)) continue;
    found.add(file);
    filesFrom(file.dependencies, found);
  }
  return found;
}
