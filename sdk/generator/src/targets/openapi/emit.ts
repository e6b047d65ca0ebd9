/** Targets `openapi` and `openapi-module`: the document as files, and as a module for a server that publishes it. */
import type { Model, OutputFile, Target } from "../../model.js";
import { generatedMark, tsHeader } from "../mark.js";
import { documentOf, type DocumentOptions } from "./document.js";
import type { OpenApiDocument } from "./types.js";
import { yamlOf } from "./yaml.js";

const options = {
  title: "title of the document (default: the first part of the package)",
  version: "version of the document (default: the contract's)",
  description: "text about the API",
  license: "name of the licence",
  licenseId: "SPDX identifier of the licence",
  server: "URL of the server, may be relative to the document's (default: /)",
  sdk: "package of the TypeScript client, for x-codeSamples (default: operations show none)",
  facade: "name of the client's class (default: what all packages begin with)",
  spec: "version of OpenAPI, 3.1 or 3.2, which has words for streams (default: 3.1)",
};

/** Writes `openapi.yaml` and `openapi.json`; with the option `name`, `<name>.openapi.yaml` and `<name>.openapi.json`. */
export const openapiTarget: Target = {
  name: "openapi",
  summary: "openapi.yaml, openapi.json: OpenAPI 3.1 or 3.2",
  options: { ...options, name: "files are named <name>.openapi.yaml and <name>.openapi.json" },
  emit: (model, given) => {
    const prefix = given["name"] ? `${given["name"]}.` : "";
    const { name: _, ...info } = given;
    const document = sharedDocument(model, info);
    return [
      { path: `${prefix}openapi.yaml`, content: textOf(document) },
      { path: `${prefix}openapi.json`, content: `${JSON.stringify(document, null, 2)}\n` },
    ];
  },
};

/** Writes `document.ts`. */
export const openapiModuleTarget: Target = {
  name: "openapi-module",
  summary: "document.ts: the OpenAPI document as two strings, for a server that publishes it",
  options,
  emit: (model, given) => [moduleFile(sharedDocument(model, given))],
};

/** Both targets print one document; making it is the dear part. */
const documents = new WeakMap<Model, Map<string, OpenApiDocument>>();

function sharedDocument(model: Model, info: DocumentOptions): OpenApiDocument {
  const made = documents.get(model) ?? new Map<string, OpenApiDocument>();
  documents.set(model, made);
  const key = JSON.stringify(info);
  const document = made.get(key) ?? documentOf(model, info);
  made.set(key, document);
  return document;
}

function moduleFile(document: OpenApiDocument): OutputFile {
  return {
    path: "document.ts",
    content: `${tsHeader("The OpenAPI document as text, ready to be served")}
/** The document as YAML. */
export const openapiYaml: string = ${JSON.stringify(textOf(document))};

/** The document as JSON. */
export const openapiJson: string = ${JSON.stringify(JSON.stringify(document))};
`,
  };
}

/** Both targets print the same text; printing is dear as well. */
const texts = new WeakMap<OpenApiDocument, string>();

function textOf(document: OpenApiDocument): string {
  const text = texts.get(document) ?? printed(document);
  texts.set(document, text);
  return text;
}

function printed(document: OpenApiDocument): string {
  return `# ${document.info["title"] as string} as OpenAPI ${document.openapi.slice(0, 3)}. ${generatedMark}\n${yamlOf(document)}`;
}
