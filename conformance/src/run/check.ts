/** What a check is: one requirement, the protocols it is made over, what it needs, and how it observes. */
import type { Variant } from "../wire/wire.js";
import type { Context } from "./context.js";
import type { Judge } from "./verdict.js";

/** How much of the suite runs; each contains those before it. */
export const profiles = ["smoke", "core", "full"] as const;

/** Name of a profile. */
export type Profile = (typeof profiles)[number];

/** Something beside the target that a check may need; a run that lacks it says so. */
export type Facility = "authentication" | "limits" | "user limits" | "second source address" | "signing key" | "allowed origin";

/** One check. Each requirement has at most one. */
export interface Check {
  /** Id of the requirement. */
  readonly id: string;
  /** The least profile that runs it. */
  readonly profile: Profile;
  /** Whether it is made over a way to call; `once`: it covers what it must by itself. */
  readonly over: "once" | ((variant: Variant) => boolean);
  readonly needs?: readonly Facility[];
  /** `waiting`: spends its time asleep and runs beside the others; `last`: looks at what all the others left. */
  readonly lane?: "waiting" | "last";
  /** Observes. A NoAnswer it lets through is a failure, any other error one of the harness. */
  readonly run: (context: Context, judge: Judge, variant: Variant) => Promise<void>;
}

/** Every way to call. */
export const everyVariant = (): boolean => true;
/** Ways to call that answer a refusal with an HTTP status of its own. */
export const withStatus = ({ encoding }: Variant): boolean => !encoding.startsWith("grpc");
/** Ways to call that can change something. */
export const canWrite = ({ encoding }: Variant): boolean => encoding !== "connect-get";
/** REST alone. */
export const overRest = ({ encoding }: Variant): boolean => encoding === "rest";
/** The gRPC family alone. */
export const overGrpc = ({ encoding }: Variant): boolean => encoding.startsWith("grpc");
