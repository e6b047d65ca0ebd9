/** The server that misbehaves: answers every path alike, as one scenario says, and remembers what it saw. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

/** A request as it arrived, its body read to the end. */
export interface Seen {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
}

/** Answers one request; `before` are those that came earlier. */
export type Behaviour = (response: ServerResponse, request: Seen, before: readonly Seen[]) => void;

/** A running fault server. */
export interface FaultServer {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** Requests so far, those for tokens not among them. */
  readonly seen: readonly Seen[];
  /** How many tokens were asked for. */
  tokens(): number;
  close(): Promise<void>;
}

/** Path at which tokens are given: `token-1`, `token-2`, and so on. */
export const tokenPath = "/token";

/** Starts one on a free port of 127.0.0.1. `onFirst` is called when the first request arrives, be it for a token. */
export async function startFaultServer(behave: Behaviour, onFirst: () => void): Promise<FaultServer> {
  const seen: Seen[] = [];
  const sockets = new Set<Socket>();
  let tokens = 0;
  let asked = false;
  const server = createServer((request, response) => {
    if (!asked) onFirst();
    asked = true;
    request.resume();
    request.on("end", () => {
      if (request.url === tokenPath) return answer(response, 200, { token: `token-${++tokens}` });
      const one = { path: request.url ?? "", headers: request.headers };
      const before = [...seen];
      seen.push(one);
      behave(response, one, before);
    });
  });
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    tokens: () => tokens,
    close: () =>
      new Promise<void>((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

/** Content type of a success: JSON, or what a client that speaks protobuf over Connect has asked in. */
export function typeOf({ req }: ServerResponse): string {
  return req.headers["content-type"] === "application/proto" ? "application/proto" : "application/json";
}

/** Sends a success without anything in it. */
export function succeed(response: ServerResponse): void {
  const type = typeOf(response);
  response.writeHead(200, { "content-type": type });
  // Of a message in protobuf without anything in it nothing is left.
  response.end(type === "application/json" ? "{}" : "");
}

/** Sends JSON. */
export function answer(response: ServerResponse, status: number, body: object, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}

/** A refusal that clients of Connect and clients of plain REST read alike. */
export function refuse(response: ServerResponse, status: number, code: string, headers: Readonly<Record<string, string>> = {}): void {
  answer(response, status, { code, message: "refused by the battery", error: { code, message: "refused by the battery", type: code } }, headers);
}
