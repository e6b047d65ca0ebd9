/** The servers of the bench. */

/** Servers that a library is shown with; each is a module in `../peers/`. */
export type PeerName = "connect-node" | "grpc-js" | "fastify" | "node:http" | "node:http2" | "gated" | "bare" | "one port";

/** Parapet itself, started through the command line tool, each on a data directory of its own. */
export type ParapetName =
  /** Serves what is read. */
  | "parapet"
  /** Take what is added, with records and with none. */
  | "recording"
  | "not recording"
  /** Hold few documents and many. */
  | "few documents"
  | "many documents"
  /** Serve from one process and from two. */
  | "one worker"
  | "two workers";

/** Any of them. */
export type ServerName = PeerName | ParapetName;
