/** The targets that exist: the one place to add one. */
import type { Target } from "../model.js";
import { cliTarget } from "./cli/emit.js";
import { conformanceTarget } from "./conformance/emit.js";
import { contractTarget } from "./contract/emit.js";
import { docsTarget } from "./docs/emit.js";
import { openapiModuleTarget, openapiTarget } from "./openapi/emit.js";
import { conformanceContractTarget } from "./conformance-contract/emit.js";
import { restTarget } from "./rest/emit.js";
import { serverTarget } from "./server/emit.js";
import { typescriptTarget } from "./typescript/emit.js";

/** Every target, in the order in which they run. */
export const targets: readonly Target[] = [
  contractTarget, restTarget, openapiTarget, openapiModuleTarget, conformanceTarget, conformanceContractTarget, typescriptTarget, serverTarget, cliTarget, docsTarget,
];
