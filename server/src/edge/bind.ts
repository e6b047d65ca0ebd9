/** Binds everything that a configuration names: addresses, one port for all of them, a Unix socket. */
import { chmodSync, rmSync, statSync } from "node:fs";
import { type AddressInfo, connect, type Server } from "node:net";

/** Where to listen. */
export interface ListenOptions {
  /** Addresses to bind; empty: every interface. */
  readonly hosts: readonly string[];
  readonly port: number;
  /** Path of a Unix socket to listen on as well. */
  readonly socket?: string;
}

/**
 * Makes a listener for each address and binds it; resolves with the port. Rejects with the error of the first that cannot be
 * bound; those that listen by then are the caller's to close.
 */
export async function bind({ hosts, port, socket }: ListenOptions, create: () => Server): Promise<number> {
  let bound = port;
  if (hosts.length === 0) bound = await listenOn(create(), { port });
  for (const [index, host] of hosts.entries()) {
    try {
      bound = await listenOn(create(), { host, port: bound });
    } catch (error) {
      // `localhost` is two addresses, of which a machine may lack the second.
      const lacking = ["EADDRNOTAVAIL", "EAFNOSUPPORT"].includes((error as NodeJS.ErrnoException).code ?? "");
      if (index === 0 || !lacking) throw error;
    }
  }
  if (socket !== undefined) {
    if (await isStale(socket)) rmSync(socket, { force: true });
    await listenOn(create(), { path: socket });
    chmodSync(socket, 0o660);
  }
  return bound;
}

async function listenOn(listener: Server, where: { host?: string; port: number } | { path: string }): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    // It stays for later errors: a connection that could not be accepted is no reason to end.
    listener.on("error", reject);
    listener.listen(where, resolve);
  });
  const address = listener.address();
  return typeof address === "object" ? (address as AddressInfo).port : 0;
}

/** True for a socket file that a killed process left behind: nobody listens on it. Any other file stays, and is in the way. */
function isStale(path: string): Promise<boolean> {
  if (statSync(path, { throwIfNoEntry: false })?.isSocket() !== true) return Promise.resolve(false);
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.on("connect", () => {
      probe.destroy();
      resolve(false);
    });
    probe.on("error", ({ code }: NodeJS.ErrnoException) => resolve(code === "ECONNREFUSED"));
  });
}
