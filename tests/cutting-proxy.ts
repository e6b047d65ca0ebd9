/** A TCP proxy that resets connections at random moments. */
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** What is cut, and how often. */
export interface Cutting {
  /** Port of the server on 127.0.0.1. */
  readonly port: number;
  /** Numbers from 0 up to 1. */
  readonly random: () => number;
  /** Share of the connections that are cut. */
  readonly share: number;
  /** A connection that is cut ends within so many bytes of one direction. */
  readonly bytesMax: number;
  /** Cut what the server answers only, or both directions in turn. */
  readonly ways: "answers" | "both";
}

/** A running proxy. */
export interface CuttingProxy {
  readonly url: string;
  /** Connections that were cut so far. */
  readonly cuts: number;
  /** True (as at the start): connections are cut. */
  cutting: boolean;
  close(): void;
}

/** Numbers from 0 up to 1 that a failed run can be repeated with (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Starts a proxy on a free port. It resets both sides after a random number of bytes: before a request, inside it, before the answer, inside it. */
export async function startCuttingProxy({ port, random, share, bytesMax, ways }: Cutting): Promise<CuttingProxy> {
  const sockets = new Set<Socket>();
  const proxy = {
    url: "",
    cuts: 0,
    cutting: true,
    close(): void {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
  const server = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
    }
    const doomed = proxy.cutting && random() < share;
    const way = ways === "both" && random() < 0.5 ? near : far;
    let left = Math.floor(random() * bytesMax);
    const cut = (): void => {
      proxy.cuts++;
      near.resetAndDestroy();
      far.resetAndDestroy();
    };
    for (const [from, to] of [[near, far], [far, near]] as const) {
      from.on("error", () => to.destroy());
      from.on("close", () => to.destroy());
      from.on("data", (chunk: Buffer) => {
        if (!doomed || from !== way) return void to.write(chunk);
        left -= chunk.length;
        if (left > 0) return void to.write(chunk);
        // What came before the moment still arrives: the other side may well act on it.
        if (chunk.length + left > 0) to.write(chunk.subarray(0, chunk.length + left), cut);
        else cut();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  proxy.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return proxy;
}
