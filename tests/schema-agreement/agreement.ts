/** Asks the document and the server about the same requests, and tells where they differ for a reason that is known from where they do not agree. */
import type { Model } from "../../sdk/generator/src/model.js";
import { seeded } from "../../server/src/testing/random.js";
import { Author } from "./documents.js";
import type { OtherForm, Unsaid } from "./forms.js";
import type { IsNamed } from "./named-rules.js";
import type { Answer, Door, Request } from "./surface.js";

/** Why document and server may differ: a form that the schema does not list, or a rule that it cannot say. */
export type Known = OtherForm | Unsaid | "own-keyword" | "named-rule";

/** What the document says of a request. */
export interface Verdict {
  /** By JSON Schema alone, as the request stands. */
  readonly plain: boolean;
  /** By everything that is known of it: what the server is to say. */
  readonly expected: boolean;
  /** Forms that it has, and faults that no keyword says. */
  readonly reasons: readonly Known[];
  /** What is wrong with it, for people. */
  readonly faults: readonly string[];
}

/** One kind of request: a body or a query string. */
export interface Subject {
  readonly operation: string;
  readonly part: "body" | "query";
  /** Full name of the request message. */
  readonly message: string;
  /** A random one, as text. */
  write(author: Author): string;
  request(text: string): Request;
  judge(text: string): Verdict;
}

/** One text on which they do not agree, with what each said. */
export interface Disagreement {
  readonly operation: string;
  readonly text: string;
  readonly schema: string;
  readonly server: string;
}

/** What came of many texts. */
export interface Tally {
  readonly operation: string;
  readonly part: Subject["part"];
  requests: number;
  /** Accepted by the server. */
  accepted: number;
  /** Where the plain schema and the server differ, by reason. */
  readonly known: Map<Known, number>;
  readonly disagreements: Disagreement[];
}

/** Texts that are made, sent and judged at a time. */
const batchMax = 512;

/** Starts a tally. */
export function tallyOf({ operation, part }: Subject): Tally {
  return { operation, part, requests: 0, accepted: 0, known: new Map(), disagreements: [] };
}

/** Tries so many random requests of one kind. */
export async function agree(model: Model, door: Door, subject: Subject, requests: number, seed: number, isNamed: IsNamed): Promise<Tally> {
  const author = new Author(model, seeded(seed));
  const tally = tallyOf(subject);
  for (let left = requests; left > 0; left -= batchMax) {
    const texts = Array.from({ length: Math.min(left, batchMax) }, () => subject.write(author));
    const answers = await door.send(texts.map((text) => subject.request(text)));
    texts.forEach((text, index) => weigh(tally, subject, text, answers[index]!, isNamed));
  }
  return tally;
}

/** Compares the verdicts on one text. */
export function weigh(tally: Tally, subject: Subject, text: string, answer: Answer, isNamed: IsNamed): void {
  tally.requests++;
  if (answer.accepted) tally.accepted++;
  const { plain, expected, reasons, faults } = subject.judge(text);
  const byName = !answer.accepted && answer.violations.length > 0 && answer.violations.every((violation) => isNamed(subject, violation));
  if (expected !== answer.accepted && !(expected && byName)) {
    tally.disagreements.push({ operation: tally.operation, text, schema: faults.join("; ") || "accepted", server: answer.accepted ? "accepted" : `${answer.reason}: ${answer.detail}` });
    return;
  }
  // They agree on what is meant; say what it took beyond the schema and the text as they stand.
  if (plain === answer.accepted) return;
  const known: Known[] = [...reasons, ...(byName ? (["named-rule"] as const) : [])];
  if (known.length === 0) throw new Error(`${tally.operation}: no reason for the difference on ${text}`);
  for (const reason of known) tally.known.set(reason, (tally.known.get(reason) ?? 0) + 1);
}
