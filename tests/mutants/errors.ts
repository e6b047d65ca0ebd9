/** Servers whose errors say too much, too little, or each protocol something else. */
import { headerOf, setHeader } from "../tampering-proxy.js";
import { jsonOf, type Mutant, setJson, status } from "./mutant.js";

/** Broken servers of this area. */
export const errorMutants: readonly Mutant[] = [
  { id: "ER-01", what: "not found is 400", tampering: () => status(404, 400) },
  {
    id: "ER-03",
    what: "one protocol has reasons of its own",
    tampering: () => ({ response: (response) => {
      if (!/problem\+json/.test(headerOf(response, "content-type") ?? "")) return;
      setJson(response, { ...jsonOf(response), reason: "ERROR" });
    } }),
  },
  { id: "ER-04", what: "problems are plain JSON", tampering: () => ({ response: (response) => void (response.status >= 400 && setHeader(response, "content-type", "application/json")) }) },
  {
    id: "ER-05",
    what: "errors show a stack",
    tampering: () => ({ response: (response) => {
      if (response.status !== 400) return;
      setJson(response, { ...jsonOf(response), message: "Error\n    at parse (/srv/app/server.js:10:5)", detail: "Error\n    at parse (/srv/app/server.js:10:5)" });
    } }),
  },
  { id: "ER-07", what: "answers have no request id", tampering: () => ({ response: (response) => setHeader(response, "x-request-id") }) },
  { id: "ER-08", what: "answers may be cached", tampering: () => ({ response: (response) => setHeader(response, "cache-control", "public, max-age=60") }) },
  {
    id: "ER-09",
    what: "every origin is reflected",
    tampering: () => ({ response: (response, request) => {
      setHeader(response, "access-control-allow-origin", headerOf(request, "origin"));
      setHeader(response, "access-control-allow-credentials", "true");
    } }),
  },
  { id: "ER-02", what: "gRPC-Web refuses with a status of HTTP", tampering: () => ({ response: (response) => void (response.status = /grpc-status: ?(?!0)\d/.test(`${response.body.toString("latin1")}grpc-status:${headerOf(response, "grpc-status") ?? "0"}`) ? 400 : response.status) }), protocols: "grpc-web/h1" },
  { id: "ER-06", what: "what is too large is to be sent again", tampering: () => ({ response: (response) => void (response.body.includes("MESSAGE_TOO_LARGE") && setHeader(response, "retry-after", "1")) }), protocols: "rest/h1" },
];
