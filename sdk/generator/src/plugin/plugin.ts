/** What every `protoc-gen-parapet-<target>` does: answers one request of protoc or buf. */
import { create, fromBinary, maximumEdition, minimumEdition, toBinary } from "@bufbuild/protobuf";
import { type CodeGeneratorRequest, CodeGeneratorRequestSchema, CodeGeneratorResponse_Feature as Feature, CodeGeneratorResponseSchema } from "@bufbuild/protobuf/wkt";
import { buffer } from "node:stream/consumers";
import { buildModel } from "../build/build-model.js";
import { GeneratorError } from "../errors.js";
import { imageOf } from "../image.js";
import type { OutputFile, Target } from "../model.js";
import { targets } from "../targets/index.js";
import { loadPolicyFile } from "../policy-file/load.js";
import { ParameterError, parametersOf, readParameters } from "./parameters.js";

/** Streams of the process. */
export interface PluginIo {
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly stdout: { write(data: Uint8Array | string): unknown };
}

/**
 * Runs the plugin of a target: a CodeGeneratorRequest on its input, a CodeGeneratorResponse on its output. What is wrong
 * with a contract or a parameter is the response's error, as the protocol has it.
 */
export async function runPlugin(name: string, args: readonly string[], { stdin, stdout }: PluginIo): Promise<void> {
  const target = targets.find((candidate) => candidate.name === name);
  if (target === undefined) throw new Error(`there is no target "${name}"`);
  if (args.some((argument) => argument === "--help" || argument === "-h")) stdout.write(helpOf(target));
  else stdout.write(await answer(target, await buffer(stdin)));
}

/** The response to a request, both as bytes. */
export async function answer(target: Target, request: Uint8Array): Promise<Uint8Array> {
  return toBinary(
    CodeGeneratorResponseSchema,
    create(CodeGeneratorResponseSchema, {
      supportedFeatures: BigInt(Feature.PROTO3_OPTIONAL | Feature.SUPPORTS_EDITIONS),
      minimumEdition,
      maximumEdition,
      ...(await resultOf(target, fromBinary(CodeGeneratorRequestSchema, request))),
    }),
  );
}

async function resultOf(target: Target, request: CodeGeneratorRequest): Promise<{ file: { name: string; content: string }[] } | { error: string }> {
  try {
    return { file: (await filesOf(target, request)).map(({ path, content }) => ({ name: path, content })) };
  } catch (error) {
    if (error instanceof GeneratorError || error instanceof ParameterError) return { error: error.message };
    throw error;
  }
}

async function filesOf(target: Target, { parameter, protoFile, fileToGenerate }: CodeGeneratorRequest): Promise<readonly OutputFile[]> {
  const { options, policy, scaffold } = readParameters(parameter, target);
  const image = imageOf(protoFile, new Set(fileToGenerate), policy === undefined ? undefined : await loadPolicyFile(policy));
  // A compiler overwrites what is there: what a person goes on with is left out.
  return target.emit(buildModel(image), options, image).filter(({ once }) => scaffold || once !== true);
}

function helpOf(target: Target): string {
  const { name, summary } = target;
  const plugin = `protoc-gen-parapet-${name}`;
  const parameters = Object.entries(parametersOf(target)).map(([option, text]) => `  ${option.padEnd(12)} ${text}\n`);
  return `${plugin}: ${summary}

A plugin of protoc and buf: it reads a CodeGeneratorRequest and writes a CodeGeneratorResponse.

  buf.gen.yaml    plugins:
                    - local: ${plugin}
                      out: gen
                      strategy: all
                      opt: [name=value]
  protoc          protoc --parapet-${name}_out=gen --parapet-${name}_opt=name=value …

Parameters:
${parameters.join("")}`;
}
