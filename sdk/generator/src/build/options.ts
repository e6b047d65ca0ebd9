/** Reads options of descriptors. `getOption` of the library makes a reader anew for each call, which thousands of fields feel. */
import { fromBinary, type Message, mergeFromBinary } from "@bufbuild/protobuf";
import type { GenExtension } from "@bufbuild/protobuf/codegenv2";
import { BinaryReader } from "@bufbuild/protobuf/wire";

/** What has options: every descriptor that comes from a proto. */
interface Element {
  readonly proto: { readonly options?: Message | undefined };
}

/** The bytes of an option, by which equal ones are known; undefined where it is not set. */
export function optionKey({ proto }: Element, { number }: GenExtension<Message, Message>): string | undefined {
  const parts = proto.options?.$unknown?.filter(({ no }) => no === number) ?? [];
  return parts.length === 0 ? undefined : parts.map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("latin1")).join("");
}

/** The value of an option that is a message; undefined where it is not set. */
export function optionOf<Value extends Message>({ proto }: Element, { number, message: schema }: GenExtension<Message, Value>): Value | undefined {
  let value: Message | undefined;
  for (const { no, data } of proto.options?.$unknown ?? []) {
    if (no !== number) continue;
    // A message that stands there in parts is the parts merged.
    const bytes = new BinaryReader(data).bytes();
    value = value === undefined ? fromBinary(schema!, bytes) : mergeFromBinary(schema!, value, bytes);
  }
  return value as Value | undefined;
}
