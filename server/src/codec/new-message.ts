/** Makes empty messages of one type. */
import { create, type DescMessage } from "@bufbuild/protobuf";

/** The properties of a message by local name. */
export type Fields = Record<string, unknown>;

/** Compiles a function that makes what `create(desc)` makes: the same properties, in the same order, nothing shared but constants. */
export function compileNew(desc: DescMessage): () => Fields {
  const sample = create(desc) as unknown as Fields;
  // Presence by prototype (proto2, editions) is rare among our callers and not worth a second way.
  if (Object.getPrototypeOf(sample) !== Object.prototype) return () => create(desc) as unknown as Fields;
  const memberKinds = new Map(desc.members.map((member) => [member.localName, kindOf(member)] as const));
  const names = Object.keys(sample).filter((name) => name !== "$typeName");
  const kinds = names.map((name) => memberKinds.get(name)!);
  const constants = names.map((name) => sample[name]);
  const $typeName = desc.typeName;
  return () => {
    const message: Fields = { $typeName };
    for (let i = 0; i < names.length; i++) {
      const kind = kinds[i];
      message[names[i]!] = kind === "constant" ? constants[i] : kind === "list" ? [] : kind === "map" ? {} : { case: undefined };
    }
    return message;
  };
}

function kindOf(member: DescMessage["members"][number]): "constant" | "list" | "map" | "oneof" {
  if (member.kind === "oneof") return "oneof";
  return member.fieldKind === "list" || member.fieldKind === "map" ? member.fieldKind : "constant";
}
