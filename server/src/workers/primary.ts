/** The primary process of a server with workers: owns the data directory, does what one process alone does, keeps a crew. */
import type { Config } from "../config.js";
import { directoryOf, layFoundation, type SharedPlace } from "../foundation.js";
import type { Bootstrapped } from "../identity/bootstrap.js";
import { prepareSharedLimits } from "../limit/shared-limiter.js";
import type { Log } from "../log.js";
import { startUpkeep } from "../upkeep.js";
import { createCrew } from "./crew.js";

/** A server whose calls are served by worker processes. */
export interface Primary {
  /** Where it listens. */
  readonly port: number;
  readonly bootstrapped: Bootstrapped;
  /** Lets the workers drain, waits for them, then gives the data directory back. */
  close(): Promise<void>;
}

/** What a primary is made of. */
export interface PrimaryOptions {
  readonly config: Config;
  readonly log: Log;
}

/**
 * Starts `config.workers` processes, then listens and deals connections out to them (`dealer.ts`). Rejects, with nothing left
 * running, if the store or any worker cannot start, or the address cannot be bound.
 */
export async function startPrimary({ config, log }: PrimaryOptions): Promise<Primary> {
  const foundation = await layFoundation({ config, log });
  try {
    const upkeep = await startUpkeep(foundation, config, log);
    const limits = config.rateLimitEnabled ? await prepareSharedLimits(directoryOf("limits", config)) : undefined;
    const admit: Readonly<Record<SharedPlace, (pid: number) => void | Promise<void>>> = {
      store: async (pid) => await foundation.embedded?.admit(pid),
      limits: (pid) => limits?.admit(pid),
    };
    const crew = createCrew({
      config,
      log,
      admit: async (pid, place) => await admit[place](pid),
      onEnd: (pid) => foundation.embedded?.forget(pid),
    });
    const stop = async (): Promise<void> => {
      upkeep.stop();
      await crew.stop();
      await limits?.close();
    };
    const port = await crew.start().catch(async (error: unknown) => {
      await stop();
      throw error;
    });
    return {
      port,
      bootstrapped: upkeep.bootstrapped,
      async close() {
        await stop();
        await foundation.close();
      },
    };
  } catch (error) {
    await foundation.close();
    throw error;
  }
}
