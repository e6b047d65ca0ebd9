/** What a load needs of a connection, whatever it speaks. */

/** Hands out the work of a stretch and takes note of answers. */
export interface Driver {
  /** Number of the key of the next request; -1 when no more are to start. */
  next(): number;
  /** A request was answered as it should be, by so many bytes. The time comes from `performance.now()`. */
  answered(startedMs: number, bytes: number): void;
  /** Nothing is open on one slot of a connection any more. */
  idle(): void;
  /** A request was answered wrongly, or not at all. */
  failed(error: Error): void;
}

/** An open connection. It keeps its slots busy from `start` until the driver has no more work. */
export interface Connection {
  /** Requests that it has open at a time. */
  readonly slots: number;
  start(driver: Driver): void;
  close(): void;
}
