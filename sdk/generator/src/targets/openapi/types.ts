/** The parts of OpenAPI 3.1 and 3.2 that are written here. */

/** A JSON Schema (draft 2020-12), or a reference to one. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  [keyword: string]: unknown;
}

/** A reference, or an object of OpenAPI. */
export type OpenApiObject = Record<string, unknown>;

/** A document. */
export interface OpenApiDocument {
  openapi: "3.1.0" | "3.2.0";
  info: OpenApiObject;
  servers: OpenApiObject[];
  tags: OpenApiObject[];
  paths: Record<string, Record<string, OpenApiObject>>;
  /** Path items by event; only where there are some. */
  webhooks?: Record<string, Record<string, OpenApiObject>>;
  components: {
    schemas: Record<string, Schema>;
    responses: Record<string, OpenApiObject>;
    parameters?: Record<string, OpenApiObject>;
    headers: Record<string, OpenApiObject>;
    securitySchemes: Record<string, OpenApiObject>;
  };
}

/** Leaves out what is undefined, empty text and empty lists, so that a document has no empty words. */
export function compact<T extends object>(object: T): T {
  const kept: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(object)) {
    if (value !== undefined && value !== "" && !(Array.isArray(value) && value.length === 0)) kept[name] = value;
  }
  return kept as T;
}
