/** Collects what is wrong with a contract, so that everything is reported at once. */
import type { Problem, ProblemRule } from "../errors.js";
import { placeOf, type SourceDesc } from "./source.js";

/** Takes problems while a model is built. */
export class Problems {
  readonly list: Problem[] = [];

  /** Notes a problem at the place of an element. */
  add(rule: ProblemRule, at: SourceDesc, message: string): void {
    this.list.push({ rule, place: placeOf(at), message });
  }
}
