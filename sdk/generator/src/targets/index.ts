/** The targets that exist: the one place to add one. */
import type { Target } from "../model.js";

/** Every target, in the order in which they run. */
export const targets: readonly Target[] = [];
