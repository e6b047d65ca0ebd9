/** Query strings: which parameters an RPC takes, and how an unknown one is refused on every protocol. */
import { fail, type Failure, Reason } from "../errors.js";
import type { Exchange } from "./exchange.js";

const nameCharsMax = 64;

/** The refusal of a parameter that the method does not know. */
export function unknownParameter(name: string): Failure {
  const shown = name.slice(0, nameCharsMax);
  return fail(Reason.QUERY_PARAMETER_UNKNOWN, { parameter: shown }, { message: `the method has no query parameter ${JSON.stringify(shown)}` });
}

const ofGet: ReadonlySet<string> = new Set(["connect", "encoding", "base64", "compression", "message"]);
const ofPost: ReadonlySet<string> = new Set();

/** What is wrong with the query of an RPC: only a GET has one, with each parameter once (Connect protocol, Unary-Get-Request). */
export function faultOfQuery({ query, verb }: Exchange): Failure | undefined {
  if (query === "") return undefined;
  const known = verb === "POST" ? ofPost : ofGet;
  const seen = new Set<string>();
  for (const name of new URLSearchParams(query).keys()) {
    if (!known.has(name)) return unknownParameter(name);
    if (seen.has(name)) return fail(Reason.REQUEST_MALFORMED, { parameter: name }, { message: `${name} is given twice` });
    seen.add(name);
  }
  return undefined;
}
