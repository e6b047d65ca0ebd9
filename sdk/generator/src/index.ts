/** What programs use of the generator. */
export * from "./model.js";
export { formatProblem, GeneratorError, type Problem, type ProblemRule, problemRules } from "./errors.js";
export { targets } from "./targets/index.js";
