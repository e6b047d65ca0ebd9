/** Where an element stands in its proto file, and the comment above it. */
import type { DescEnum, DescEnumValue, DescExtension, DescField, DescFile, DescMessage, DescMethod, DescOneof, DescService } from "@bufbuild/protobuf";
import { commentsOf, sourceInfoOf } from "../source-info.js";

/** Elements that have a comment. */
export type SourceDesc = DescFile | DescMessage | DescField | DescOneof | DescEnum | DescEnumValue | DescService | DescMethod | DescExtension;

/** Field numbers of google/protobuf/descriptor.proto that make up the path of a location. */
const step = {
  fileMessage: 4,
  fileEnum: 5,
  fileService: 6,
  fileExtension: 7,
  messageField: 2,
  messageNested: 3,
  messageEnum: 4,
  messageExtension: 6,
  messageOneof: 8,
  enumValue: 2,
  serviceMethod: 2,
} as const;

/** The comment of an element: leading, else trailing; trimmed, its lines without the comment sign. Empty without source info. */
export function docsOf(desc: SourceDesc): string {
  const comment = commentsOf(fileOf(desc).proto).get(pathOf(desc).join("."));
  if (comment === undefined) return "";
  const end = comment.indexOf("\n");
  // Most are of one line, with its end.
  if (end === -1 || end === comment.length - 1) return comment.trim();
  return comment
    .split("\n")
    .map((line) => line.replace(/^ /, "").trimEnd())
    .join("\n")
    .trim();
}

/** `file.proto:line:column`, or the element's full name without source info. */
export function placeOf(desc: SourceDesc): string {
  const file = fileOf(desc);
  const path = pathOf(desc).join(".");
  const span = sourceInfoOf(file.proto)?.location.find((location) => location.path.join(".") === path)?.span;
  if (span === undefined || desc.kind === "file") return `${file.name}.proto`;
  return `${file.name}.proto:${span[0]! + 1}:${span[1]! + 1}`;
}

function fileOf(desc: SourceDesc): DescFile {
  if (desc.kind === "file") return desc;
  if (desc.kind === "enum_value" || desc.kind === "field" || desc.kind === "oneof" || desc.kind === "rpc") return desc.parent.file;
  return desc.file;
}

function pathOf(desc: SourceDesc): number[] {
  switch (desc.kind) {
    case "file":
      return [];
    case "message":
      return desc.parent
        ? [...pathOf(desc.parent), step.messageNested, desc.parent.proto.nestedType.indexOf(desc.proto)]
        : [step.fileMessage, desc.file.proto.messageType.indexOf(desc.proto)];
    case "enum":
      return desc.parent
        ? [...pathOf(desc.parent), step.messageEnum, desc.parent.proto.enumType.indexOf(desc.proto)]
        : [step.fileEnum, desc.file.proto.enumType.indexOf(desc.proto)];
    case "extension":
      return desc.parent
        ? [...pathOf(desc.parent), step.messageExtension, desc.parent.proto.extension.indexOf(desc.proto)]
        : [step.fileExtension, desc.file.proto.extension.indexOf(desc.proto)];
    case "service":
      return [step.fileService, desc.file.proto.service.indexOf(desc.proto)];
    case "field":
      return [...pathOf(desc.parent), step.messageField, desc.parent.proto.field.indexOf(desc.proto)];
    case "oneof":
      return [...pathOf(desc.parent), step.messageOneof, desc.parent.proto.oneofDecl.indexOf(desc.proto)];
    case "enum_value":
      return [...pathOf(desc.parent), step.enumValue, desc.parent.proto.value.indexOf(desc.proto)];
    case "rpc":
      return [...pathOf(desc.parent), step.serviceMethod, desc.parent.proto.method.indexOf(desc.proto)];
  }
}
