/** The limiter of several processes: every budget in one unsynced LMDB environment, in bounded space. */
import { closeSync, mkdirSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { Algorithm } from "@parapet/contract/parapet/policy/v1/policy_pb";
import { open, type RootDatabase, type RootDatabaseOptions } from "lmdb";
import { fail, Failure, Reason } from "../errors.js";
import { bucketsLookedAt, bucketsMax, sharedLimitsBytes, strictWindowEntriesMax } from "../limits.js";
import { admit, mappedHook } from "../store/admission.js";
import type { BucketNumbers, Limiter, LimitVerdict } from "./limiter.js";
import { capacityOf, type Meter } from "./meter.js";
import { budgetKeyOf, createMeter, numbersInForce, type OverrideSource, verdictOf } from "./metering.js";

/** What the limiter is made of. */
export interface SharedLimiterOptions {
  /** The directory that `prepareSharedLimits` made. */
  readonly directory: string;
  /** A clock in milliseconds, finer than one, monotonic and the same in all processes (`process.hrtime`, CLOCK_MONOTONIC). */
  readonly nowMs: () => number;
  /** The buckets in force: the larger their logs, the fewer budgets there is room for. */
  readonly buckets: readonly BucketNumbers[];
  readonly overrides?: OverrideSource;
  /** Budgets kept at most. Default: what fits into half of the file, at most `limits.bucketsMax`. */
  readonly budgetsMax?: number;
  /** Called when the file is mapped and before anything is read: what a process tells the one that admitted it. */
  readonly onMapped?: () => void;
}

/** A limiter over an environment that must be closed. */
export interface SharedLimiter extends Limiter {
  /** Budgets that all processes remember. */
  readonly size: number;
  close(): Promise<void>;
}

type Database = RootDatabase<Uint8Array, Uint8Array>;

/** Sorts before every budget, whose keys begin with the letter of a bucket's name. */
const sweepKey = Uint8Array.of(0);
const end = Uint8Array.of(0xff);

/** Common budgets, as the process sees them that owns the data and does not spend any. */
export interface SharedLimits {
  /** Lets a process open the budgets, while nobody spends. Throws AdmissionError if it does not and had to be killed. */
  admit(pid: number): void;
  close(): Promise<void>;
}

/**
 * Makes the directory anew, with empty budgets: what was counted before a start is forgotten, as it is in memory. The file
 * has its full size at once, so that a full disk is met here and not as SIGBUS in a process that writes to the map. For the
 * one process that owns the data, before it admits the others.
 */
export async function prepareSharedLimits(directory: string, bytes: number = sharedLimitsBytes): Promise<SharedLimits> {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const empty = openEnvironment(directory, bytes);
  const { pageSize, lastPageNumber } = empty.getStats() as { pageSize: number; lastPageNumber: number };
  await empty.close();
  const path = fileIn(directory);
  const file = openSync(path, "r+");
  try {
    const zeros = new Uint8Array(1024 * 1024);
    const size = Math.max(bytes, statSync(path).size);
    for (let at = (lastPageNumber + 1) * pageSize; at < size; ) at += writeSync(file, zeros, 0, Math.min(zeros.length, size - at), at);
  } finally {
    closeSync(file);
  }
  const db = openEnvironment(directory, bytes);
  return { admit: (pid) => db.transactionSync(() => admit(directory, pid)), close: () => db.close() };
}

/** A budget that is spent from in a transaction, and is written at its end. */
interface OpenBudget {
  readonly key: Uint8Array;
  readonly meter: Meter;
  readonly isNew: boolean;
  /** When nothing is missing of it any more, in microseconds; undefined: nothing was spent. */
  fullAtUs: number | undefined;
}

/** A transaction of some questions. */
interface Session {
  /** Read once it had begun: whoever began later reads a later time. */
  readonly nowUs: number;
  readonly budgets: Map<string, OpenBudget>;
  /** Set where the environment did not answer: then no question counts. */
  fault: Failure | undefined;
}

/**
 * Opens the budgets. Each question is one write transaction, or shares one with others (`together`); LMDB serialises them over
 * the processes (RL-02), and a budget that admits nothing is not written. A process that is killed inside of one leaves the
 * budgets as they were. Bounds as in the memory limiter: each new budget makes the limiter look at a few old ones, of which the
 * full go, or the fullest. If the environment does not take a question, it is a Failure with reason STORE_UNAVAILABLE: nothing
 * is admitted uncounted.
 */
export function openSharedLimiter({ directory, nowMs, buckets, overrides, budgetsMax, onMapped }: SharedLimiterOptions): SharedLimiter {
  const db = openEnvironment(directory, sharedLimitsBytes, onMapped);
  const most = budgetsMax ?? Math.max(1, Math.min(bucketsMax, Math.floor(sharedLimitsBytes / 2 / Math.max(...buckets.map(budgetBytes), 1))));
  let session: Session | undefined;

  const rowOf = (key: Uint8Array, asking: Session): Uint8Array | undefined => {
    try {
      return db.get(key);
    } catch (cause) {
      throw (asking.fault ??= unavailable(cause));
    }
  };

  const budgetOf = (name: string, bucket: BucketNumbers, asking: Session): OpenBudget => {
    const key = Buffer.from(name);
    const row = rowOf(key, asking);
    return { key, meter: createMeter(bucket, row && numbersIn(row).subarray(1)), isNew: row === undefined, fullAtUs: undefined };
  };

  const spend = (asking: Session, bucket: BucketNumbers, subject: string, cost: number): LimitVerdict => {
    const { budgets, nowUs } = asking;
    const numbers = numbersInForce(bucket, subject, overrides);
    const name = budgetKeyOf(bucket, subject);
    let budget = budgets.get(name);
    if (budget === undefined) budgets.set(name, (budget = budgetOf(name, bucket, asking)));
    const reading = budget.meter.spend(numbers, cost, nowUs);
    if (reading.admitted) budget.fullAtUs = nowUs + reading.fullInUs;
    return verdictOf(numbers, reading);
  };

  const save = ({ key, meter, fullAtUs }: OpenBudget): void => {
    if (fullAtUs === undefined) return;
    const state = meter.state();
    const saved = new Float64Array(1 + state.length);
    saved[0] = fullAtUs;
    saved.set(state, 1);
    db.putSync(key, new Uint8Array(saved.buffer));
  };

  /** Known budgets first: one that goes to make room for a new one must not be written afterwards. */
  const saveAll = ({ budgets, nowUs }: Session): void => {
    for (const budget of budgets.values()) if (!budget.isNew) save(budget);
    for (const budget of budgets.values()) {
      if (!budget.isNew || budget.fullAtUs === undefined) continue;
      makeRoom(db, nowUs, most);
      save(budget);
    }
  };

  const transact = (work: (session: Session) => void): void => {
    let thrown: { readonly error: unknown } | undefined;
    try {
      db.transactionSync(() => {
        const own: Session = { nowUs: Math.floor(nowMs() * 1_000), budgets: new Map(), fault: undefined };
        session = own;
        try {
          work(own);
        } catch (error) {
          thrown = { error };
          throw error;
        } finally {
          session = undefined;
        }
        if (own.fault !== undefined) throw own.fault;
        saveAll(own);
      });
    } catch (cause) {
      throw thrown === undefined ? unavailable(cause) : thrown.error;
    }
  };

  return {
    get size() {
      return sweepIn(db.get(sweepKey)).count;
    },
    spend(bucket, subject, cost) {
      if (session !== undefined) return spend(session, bucket, subject, cost);
      let verdict: LimitVerdict;
      transact((alone) => (verdict = spend(alone, bucket, subject, cost)));
      return verdict!;
    },
    together: (work) => (session === undefined ? transact(() => work()) : work()),
    close: () => db.close(),
  };
}

function unavailable(cause: unknown): Failure {
  return cause instanceof Failure ? cause : fail(Reason.STORE_UNAVAILABLE, {}, { cause });
}

/** Counts a new budget, and looks at the next few of the others, round and round. */
function makeRoom(db: Database, nowUs: number, budgetsMax: number): void {
  let { count, after } = sweepIn(db.get(sweepKey));
  let fullest: Uint8Array | undefined;
  let fullestAtUs = Infinity;
  const gone: Uint8Array[] = [];
  let looked = 0;
  for (const { key, value } of db.getRange({ start: after, exclusiveStart: true, end, limit: bucketsLookedAt })) {
    looked++;
    after = Uint8Array.from(key);
    const fullAtUs = numbersIn(value)[0]!;
    if (fullAtUs <= nowUs) gone.push(after);
    else if (fullAtUs < fullestAtUs) [fullest, fullestAtUs] = [after, fullAtUs];
  }
  if (gone.length === 0 && count >= budgetsMax && fullest !== undefined) gone.push(fullest);
  for (const key of gone) db.removeSync(key);
  count += 1 - gone.length;
  if (looked < bucketsLookedAt) after = sweepKey;
  const row = new Uint8Array(4 + after.length);
  new DataView(row.buffer).setUint32(0, count);
  row.set(after, 4);
  db.putSync(sweepKey, row);
}

/** How many budgets there are, and the last that was looked at. */
function sweepIn(row: Uint8Array | undefined): { count: number; after: Uint8Array } {
  if (row === undefined) return { count: 0, after: sweepKey };
  return { count: new DataView(row.buffer, row.byteOffset).getUint32(0), after: row.slice(4) };
}

/** A row: when the budget is full again (µs), then the state of its meter. Copied, since numbers must be aligned. */
function numbersIn(row: Uint8Array): Float64Array {
  return new Float64Array(Uint8Array.from(row).buffer);
}

/** Most bytes that one budget takes: key and node, then the row; long rows take whole pages. */
function budgetBytes(bucket: BucketNumbers): number {
  const numbers = bucket.algorithm === Algorithm.STRICT_WINDOW ? 1 + 2 * Math.min(capacityOf(bucket), strictWindowEntriesMax) : 3;
  const row = numbers * Float64Array.BYTES_PER_ELEMENT;
  return 128 + (row < 1_024 ? row : Math.ceil(row / 4_096 + 1) * 4_096);
}

function fileIn(directory: string): string {
  return join(directory, "limits.mdb");
}

function openEnvironment(directory: string, bytes: number, onMapped?: () => void): Database {
  // lmdb reads `permissionsMode` and does not declare it.
  const options = {
    path: fileIn(directory),
    encoding: "binary" as const,
    keyEncoding: "binary" as const,
    overlappingSync: false,
    eventTurnBatching: false,
    cache: false,
    noSync: true,
    useWritemap: true,
    mapSize: bytes,
    permissionsMode: 0o600,
    ...mappedHook(onMapped),
  };
  return open(options as typeof options & RootDatabaseOptions);
}
