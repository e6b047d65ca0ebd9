/** Target `conformance-contract`: one file by which a suite that never saw a contract can test its deployments. */
import { create, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { type Image, withImports } from "../../image.js";
import type { Model, Target } from "../../model.js";
import { caseOf } from "../conformance/emit.js";
import { generatedMark } from "../mark.js";

/** Version of the file's layout. */
const layout = 1;

/** Writes `contract.json`. */
export const conformanceContractTarget: Target = {
  name: "conformance-contract",
  summary: "contract.json: every method's case and descriptor, for `parapet-conformance run --profile contract`",
  emit: (model, _options, image) => [{ path: "contract.json", content: emitContract(model, image) }],
};

function emitContract(model: Model, image: Image): string {
  const document = {
    $comment: generatedMark,
    layout,
    contractHash: model.contractHash,
    buckets: model.buckets,
    cases: model.services.flatMap(({ methods }) => methods).map((method) => caseOf(model, method)),
    descriptors: Buffer.from(descriptorsOf(image)).toString("base64"),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** A FileDescriptorSet of the own files with everything they import, without comments. */
function descriptorsOf({ ownFiles }: Image): Uint8Array {
  const file = withImports(ownFiles).map(({ proto }) => create(FileDescriptorProtoSchema, { ...proto, sourceCodeInfo: undefined }));
  return toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file }));
}
