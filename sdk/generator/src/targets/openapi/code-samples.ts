/** `x-codeSamples` of an operation (redocly.com/docs, specification extensions): the calls that api.md and the reference show, as whole programs. */
import type { Binding, Method, Model } from "../../model.js";
import { curlOf } from "../docs/calls.js";
import { type Types, typesOf } from "../docs/types.js";
import { createNames, type Names } from "../typescript/names.js";
import { isCallable } from "../typescript/services.js";
import { preambleOf, snippetOf } from "../typescript/snippet.js";
import type { OpenApiObject } from "./types.js";

/** What all samples of a document share. */
export interface SampleContext {
  readonly names: Names;
  readonly types: Types;
  /** Address of the server. */
  readonly server: string;
  /** Package of the TypeScript client. */
  readonly sdk: string;
}

/** Makes the context; undefined where no client is named, and so no samples are shown. */
export function sampleContext(model: Model, { sdk, facade, server = "" }: { readonly sdk?: string; readonly facade?: string; readonly server?: string }): SampleContext | undefined {
  if (!sdk) return undefined;
  return { names: createNames(model, [], new Set(), facade), types: typesOf(model), server: /^https?:/.test(server) ? server.replace(/\/+$/, "") : "http://localhost:11023", sdk };
}

/** The samples of one operation. */
export function codeSamplesOf(context: SampleContext, method: Method, binding: Binding): OpenApiObject[] {
  const { names, server, sdk } = context;
  const typescript = { lang: "TypeScript", label: sdk, source: `${preambleOf(names, sdk, server)}\n\n${snippetOf(method, names)}\n` };
  const curl = { lang: "Shell", label: "curl", source: `${curlOf(method, binding, method.examples.request ?? method.examples.minimal ?? {}, context)}\n` };
  return [...(isCallable(method) ? [typescript] : []), curl];
}
