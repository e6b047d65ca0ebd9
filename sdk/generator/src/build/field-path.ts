/** Follows dotted proto paths through messages. */
import type { DescField, DescMessage } from "@bufbuild/protobuf";

/** Where a path leads, or why it leads nowhere. */
export type FieldPath = { readonly field: DescField; readonly steps: readonly DescField[] } | { readonly fault: string };

/** Resolves `a.b.c` by proto names. Every field but the last must be a singular message. */
export function resolveField(message: DescMessage, path: string): FieldPath {
  const steps: DescField[] = [];
  let at: DescMessage | undefined = message;
  for (const name of path.split(".")) {
    if (at === undefined) return { fault: `"${path}" goes through "${steps.at(-1)!.name}", which is not a single message` };
    const field: DescField | undefined = at.fields.find((candidate) => candidate.name === name);
    if (field === undefined) return { fault: `"${path}" names no field: ${at.typeName} has no "${name}"` };
    steps.push(field);
    at = field.fieldKind === "message" ? field.message : undefined;
  }
  return { field: steps.at(-1)!, steps };
}
