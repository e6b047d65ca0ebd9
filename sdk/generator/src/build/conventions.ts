/** Finds the fields that follow a convention: paging (AIP-158) and conditional calls (AIP-154). */
import { type DescField, type DescMessage, type DescMethod, ScalarType } from "@bufbuild/protobuf";
import type { Conditional, Paging } from "../model.js";
import type { Problems } from "./problems.js";

const pageSizeNames = ["page_size", "limit"];

/** How a method pages; undefined where it does not. Half of the convention is a problem. */
export function pagingOf(method: DescMethod, problems: Problems): Paging | undefined {
  const token = scalarField(method.input, "page_token", ScalarType.STRING);
  const next = scalarField(method.output, "next_page_token", ScalarType.STRING);
  if (!token && !next) return undefined;
  const name = `${method.parent.typeName}/${method.name}`;
  if (!token || !next) {
    const [has, lacks] = token ? ["page_token", "next_page_token"] : ["next_page_token", "page_token"];
    problems.add("paging-incomplete", method, `${name} has ${has}, but no string ${lacks}`);
    return undefined;
  }
  const lists = method.output.fields.filter((field) => field.fieldKind === "list");
  const items = lists.find((field) => field.listKind === "message") ?? lists[0];
  if (!items) {
    problems.add("paging-incomplete", method, `${name} pages, but its response has no repeated field`);
    return undefined;
  }
  return {
    pageToken: token.name,
    pageSize: pageSizeNames.find((size) => method.input.fields.some((field) => field.name === size)) ?? "",
    nextPageToken: next.name,
    items: items.name,
    totalSize: method.output.fields.find((field) => field.name === "total_size")?.name ?? "",
  };
}

/** Fields behind If-Match, If-None-Match and ETag; undefined where there are none. */
export function conditionalOf(method: DescMethod): Conditional | undefined {
  const etag = scalarField(method.input, "etag", ScalarType.STRING)?.name ?? "";
  const createOnly = scalarField(method.input, "create_only", ScalarType.BOOL)?.name ?? "";
  const responseEtag = responseEtagOf(method.output);
  return etag || createOnly || responseEtag ? { etag, createOnly, responseEtag } : undefined;
}

/** The etag of the response itself, or of the one message it wraps. */
function responseEtagOf(output: DescMessage): string {
  if (scalarField(output, "etag", ScalarType.STRING)) return "etag";
  const [only, ...others] = output.fields;
  if (only?.fieldKind !== "message" || others.length > 0) return "";
  return scalarField(only.message, "etag", ScalarType.STRING) ? `${only.name}.etag` : "";
}

function scalarField(message: DescMessage, name: string, scalar: ScalarType): DescField | undefined {
  return message.fields.find((field) => field.name === name && field.fieldKind === "scalar" && field.scalar === scalar);
}
