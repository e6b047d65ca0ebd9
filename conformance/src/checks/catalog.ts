/** All checks, in the order they run: what spends little first, what reads the log last. */
import type { Check } from "../run/check.js";
import { auditChecks } from "./audit.js";
import { authorizationChecks } from "./authorization.js";
import { credentialChecks } from "./credentials.js";
import { errorChecks } from "./errors.js";
import { lifecycleChecks } from "./lifecycle.js";
import { limitChecks } from "./limits.js";
import { logChecks } from "./log.js";
import { matrixChecks } from "./matrix.js";
import { routeChecks } from "./routes.js";
import { tokenChecks } from "./tokens.js";

/** Every check of this version of the suite. */
export const catalog: readonly Check[] = [
  ...credentialChecks, ...tokenChecks, ...lifecycleChecks, ...matrixChecks, ...authorizationChecks, ...routeChecks, ...errorChecks, ...limitChecks, ...auditChecks, ...logChecks,
];
