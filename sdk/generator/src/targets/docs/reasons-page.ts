/** The page of all reasons. */
import type { Model } from "../../model.js";
import { grpcCode, reasonKey } from "./facts.js";
import { code, prose } from "./markdown.js";
import type { Block, Page } from "./pages.js";

/** Writes the page. */
export function reasonsPage(model: Model, path: string): Page {
  return {
    path,
    blocks: [
      { level: 1, title: "Reasons", key: "reasons" },
      (to) => `A refusal carries one of these in ${code("google.rpc.ErrorInfo")}, on every protocol the same; on REST it is ${code("reason")} of the problem document. ${to("All services", "index")}.`,
      ...model.reasons.flatMap((reason): Block[] => [
        { level: 2, title: reason.name, key: reasonKey(reason.name) },
        () => prose(reason.docs),
        () => `${prose(reason.title)} · HTTP ${reason.httpStatus} · gRPC ${grpcCode(reason)} · Connect ${code(reason.code)} · ${reason.retryable ? "may pass: try again later" : "will not pass by itself"}`,
      ]),
    ],
  };
}
