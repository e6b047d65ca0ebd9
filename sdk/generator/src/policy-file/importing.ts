/** Adds imports to files, and the files that are imported. */
import { clone, type DescFile } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";

/** All files, each after what it imports; those of `needs` import what they need, which is taken from the generated code where it is missing. */
export function importing(files: readonly FileDescriptorProto[], needs: ReadonlyMap<FileDescriptorProto, ReadonlySet<DescFile>>): FileDescriptorProto[] {
  const known = new Map(files.map((file) => [file.name, file]));
  const add = (desc: DescFile): void => {
    if (known.has(desc.proto.name)) return;
    desc.dependencies.forEach(add);
    known.set(desc.proto.name, clone(FileDescriptorProtoSchema, desc.proto));
  };
  for (const [file, descs] of needs) {
    for (const desc of descs) {
      add(desc);
      if (!file.dependency.includes(desc.proto.name)) file.dependency.push(desc.proto.name);
    }
  }
  const sorted = new Map<string, FileDescriptorProto>();
  const take = (name: string): void => {
    const file = known.get(name);
    if (file === undefined || sorted.has(name)) return;
    file.dependency.forEach(take);
    sorted.set(name, file);
  };
  [...known.keys()].forEach(take);
  return [...sorted.values()];
}
