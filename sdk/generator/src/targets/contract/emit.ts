/** Target `contract`: which contract this is, for a server to report and a client to compare. */
import type { Target } from "../../model.js";
import { tsHeader } from "../mark.js";

/** Writes `contract.ts`. */
export const contractTarget: Target = {
  name: "contract",
  summary: "contract.ts: hash and version of the contract",
  emit: (model) => [
    {
      path: "contract.ts",
      content: `${tsHeader("Which contract this is")}
/** SHA-256 in hex of the contract's own descriptors without comments. */
export const contractHash = ${JSON.stringify(model.contractHash)};

/** Version of the contract's packages. */
export const contractVersion = ${JSON.stringify(model.contractVersion)};
`,
    },
  ],
};
