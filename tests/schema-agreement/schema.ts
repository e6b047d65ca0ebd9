/** The verdict of the document: JSON Schema 2020-12 with the formats of the OpenAPI registry, with and without the document's own keywords. */
import { Ajv2020, type ErrorObject, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

/** Formats that JSON Schema leaves to taste: their word decides nothing here, the server's rule does. */
export const looseFormats: ReadonlySet<string> = new Set(["email", "hostname", "ipv4", "ipv6", "uri", "uri-reference", "uuid"]);

/** A compiled schema: the faults it finds, none for a valid document. */
export type Judge = (json: unknown) => readonly ErrorObject[];

/** Makes judges for the schemas of one document. */
export interface Bench {
  /** By the keywords of JSON Schema alone. */
  plain(schema: object): Judge;
  /** By the document's own keywords as well. */
  full(schema: object): Judge;
}

const within = (low: bigint, high: bigint) => (text: string): boolean => /^-?[0-9]+$/.test(text) && BigInt(text) >= low && BigInt(text) <= high;
const int32 = (value: number): boolean => value >= -(2 ** 31) && value < 2 ** 31;

/** What the words of the OpenAPI format registry mean (spec.openapis.org/registry/format). */
const registered = {
  "int32": { type: "number", validate: int32 },
  "uint32": { type: "number", validate: (value: number) => value >= 0 && value < 2 ** 32 },
  "int64": { type: "string", validate: within(-(2n ** 63n), 2n ** 63n - 1n) },
  "uint64": { type: "string", validate: within(0n, 2n ** 64n - 1n) },
  "double": { type: "number", validate: () => true },
  "float": { type: "number", validate: (value: number) => Number.isFinite(Math.fround(value)) },
  "byte": { type: "string", validate: () => true },
  "binary": { type: "string", validate: () => true },
  "password": { type: "string", validate: () => true },
} as const;

interface Described {
  readonly components: { readonly schemas: object };
}

/** Makes the judges of a document, whose components schemas may refer to. */
export function createBench(document: Described): Bench {
  const [plain, full] = [create(document, false), create(document, true)];
  return { plain, full };
}

function create(document: Described, own: boolean): (schema: object) => Judge {
  const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, allErrors: true, validateFormats: true, addUsedSchema: false, ownProperties: true });
  addFormats.default(ajv, { mode: "full" });
  for (const [name, format] of Object.entries(registered)) ajv.addFormat(name, format as never);
  for (const name of looseFormats) ajv.addFormat(name, true);
  ajv.addVocabulary(["example", ...namingKeywords]);
  for (const [keyword, judge] of Object.entries(ownKeywords)) {
    if (own) ajv.addKeyword({ keyword, type: judge.type, validate: judge.holds as never, errors: false });
    else ajv.addKeyword({ keyword });
  }
  ajv.addSchema({ $id: base, $defs: rebased(document.components.schemas) } as never);
  return (schema) => {
    const validate: ValidateFunction = ajv.compile(rebased(schema) as object);
    return (json) => (validate(json) ? [] : (validate.errors ?? []));
  };
}

const base = "https://document.example/";

/** A schema whose references lead to the definitions that the validator has. */
function rebased(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(rebased);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, key === "$ref" && typeof inner === "string" ? inner.replace("#/components/schemas/", `${base}#/$defs/`) : rebased(inner)]));
}

interface OwnKeyword {
  readonly type: "string" | "object";
  readonly holds: (expected: never, json: never) => boolean;
}

/** Bytes that a text stands for: of UTF-8, or decoded from base64. */
function bytesOf(text: string, schema: { contentEncoding?: string }): number {
  return schema.contentEncoding === "base64" ? Buffer.from(text, "base64").length : Buffer.byteLength(text);
}

/** Numbers, durations and timestamps as text, made comparable: in billionths. */
function sizeOf(text: string): bigint {
  if (text === "now") return BigInt(Date.now()) * 1_000_000n;
  const time = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/.exec(text);
  // What no calendar has is for the format to refuse.
  if (time !== null) return BigInt(Date.parse(`${time[1]!}${time[3]!}`) || 0) * 1_000_000n + BigInt((time[2] ?? "").padEnd(9, "0"));
  const [, sign, whole, fraction = ""] = /^(-?)(\d+)(?:\.(\d{1,9}))?s?$/.exec(text) ?? [];
  if (whole === undefined) return 0n;
  const size = BigInt(whole) * 1_000_000_000n + BigInt(fraction.padEnd(9, "0"));
  return sign === "-" ? -size : size;
}

const compared = (holds: (value: bigint, bound: bigint) => boolean): OwnKeyword => ({ type: "string", holds: ((bound: string, text: string) => holds(sizeOf(text), sizeOf(bound))) as never });

/** Keywords that name a rule of the server without saying it. */
export const namingKeywords = ["x-format", "x-pattern", "x-prefix", "x-suffix", "x-contains", "x-cel"] as const;

/** Keywords that the generator writes where JSON Schema has none; what each means. */
export const ownKeywords: Readonly<Record<string, OwnKeyword>> = {
  "x-minBytes": { type: "string", holds: ((bound: number, text: string, schema: object) => bytesOf(text, schema) >= bound) as never },
  "x-maxBytes": { type: "string", holds: ((bound: number, text: string, schema: object) => bytesOf(text, schema) <= bound) as never },
  "x-minimum": compared((value, bound) => value >= bound),
  "x-exclusiveMinimum": compared((value, bound) => value > bound),
  "x-maximum": compared((value, bound) => value <= bound),
  "x-exclusiveMaximum": compared((value, bound) => value < bound),
  "x-within": compared((value, bound) => [value - sizeOf("now"), sizeOf("now") - value].every((distance) => distance <= bound)),
};
