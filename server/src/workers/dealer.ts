/** Accepts connections in the primary process and deals them out to the workers in turn. */
import type { ChildProcess } from "node:child_process";
import { createServer, type Server, type Socket } from "node:net";
import { bind, type ListenOptions } from "../edge/bind.js";
import { connectionsWaitingMax, peekTimeoutMs } from "../limits.js";
import type { ToWorker } from "./messages.js";

/**
 * Deals connections. Kept-alive connections stay where they are, so that a fair deal is a fair load, which a race of the workers
 * for one socket is not. A worker gets its next connection after it took the last, so that a busy one gets fewer.
 *
 * What Node's cluster module does not: a connection whose worker dies before it takes it is closed, where cluster keeps it open
 * for ever, unanswered; and while there is no worker, connections wait, where cluster closes the port with its last worker.
 */
export interface Dealer {
  /** Starts to accept; resolves with the port. Rejects as `bind` does. */
  listen(options: ListenOptions): Promise<number>;
  /** A worker is ready for a connection: it serves, or it took the one it was given. */
  ready(worker: ChildProcess): void;
  /** A worker takes no more connections. One that it was given and did not take is dealt to another. */
  leave(worker: ChildProcess): void;
  /** A worker is gone. Whoever called over a connection that it was given and did not take hears so. */
  end(worker: ChildProcess): void;
  /** Stops accepting, and closes what waits. */
  close(): void;
}

/** Makes a dealer that lets at most `waitingMax` connections wait; beyond them they are closed. */
export function createDealer(waitingMax: number = connectionsWaitingMax): Dealer {
  const listeners: Server[] = [];
  /** Who may get a connection, in the order in which they became ready. */
  const idle: ChildProcess[] = [];
  const waiting: Socket[] = [];
  /** What each worker was given and did not take yet. Kept open here, since it may have to be closed or dealt again. */
  const given = new Map<ChildProcess, Socket>();
  const leaving = new WeakSet<ChildProcess>();
  let closed = false;

  function wait(socket: Socket): void {
    if (closed || waiting.length >= waitingMax) return void socket.destroy();
    socket.setTimeout(peekTimeoutMs);
    waiting.push(socket);
    deal();
  }

  function deal(): void {
    while (waiting.length > 0 && idle.length > 0) {
      const socket = waiting.shift()!;
      if (socket.destroyed) continue;
      const worker = idle.shift()!;
      socket.setTimeout(0);
      given.set(worker, socket);
      const message: ToWorker = { kind: "connection" };
      // A worker that cannot be sent to has ended, or is about to: `end` settles it.
      worker.send(message, socket, { keepOpen: true }, () => undefined);
    }
  }

  function taken(worker: ChildProcess): Socket | undefined {
    const socket = given.get(worker);
    given.delete(worker);
    return socket;
  }

  function create(): Server {
    const listener = createServer({ pauseOnConnect: true }, (socket) => {
      // A caller that breaks its own connection is no event of ours.
      socket.on("error", () => undefined);
      socket.on("timeout", () => socket.destroy());
      wait(socket);
    });
    listeners.push(listener);
    return listener;
  }

  return {
    listen: (options) => bind(options, create),
    ready(worker) {
      // The worker has a handle of its own by now; this one is closed without a word to the caller.
      taken(worker)?.destroy();
      if (leaving.has(worker) || !worker.connected) return;
      idle.push(worker);
      deal();
    },
    leave(worker) {
      leaving.add(worker);
      const at = idle.indexOf(worker);
      if (at >= 0) idle.splice(at, 1);
      const socket = taken(worker);
      if (socket !== undefined) wait(socket);
    },
    end(worker) {
      // What a dead worker may have read of it is lost: no other could answer the rest.
      taken(worker)?.destroy();
      this.leave(worker);
    },
    close() {
      closed = true;
      // Nobody waits for the end of it: Node lets it come only when the workers have closed the last connection.
      for (const listener of listeners) if (listener.listening) listener.close();
      for (const socket of waiting.splice(0)) socket.destroy();
    },
  };
}
