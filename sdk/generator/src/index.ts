/** What programs use of the generator. */
export * from "./model.js";
export { formatProblem, GeneratorError, type Problem, type ProblemRule, problemRules } from "./errors.js";
export { buildModel } from "./build/build-model.js";
export { defaultChoices, generate, generateFrom, type Generated, type TargetChoice } from "./generate.js";
export { buildImage, type ContractChoice, type Image, imageBytes, readImage } from "./image.js";
export { type PolicyFile, readPolicyFile } from "./policy-file/read.js";
export { targets } from "./targets/index.js";
