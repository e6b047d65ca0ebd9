/** An audit sink for servers without a store: one JSON object a line, synced before the answer leaves. */
import { open, type FileHandle } from "node:fs/promises";
import { fail, Reason } from "../errors.js";
import type { AuditFacts, AuditSink } from "./sink.js";

/** A sink with a file behind it. */
export interface FileAuditSink extends AuditSink {
  close(): Promise<void>;
}

/** Appends to `path` (mode 0600). Concurrent records share one write and one sync. Errors are AUDIT_UNAVAILABLE. */
export async function openFileAuditSink(path: string, now: () => Date = () => new Date()): Promise<FileAuditSink> {
  const file: FileHandle = await open(path, "a", 0o600);
  let waiting: { line: string; resolve: () => void; reject: (error: Error) => void }[] = [];
  let running: Promise<void> | undefined;

  const flush = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      try {
        await file.appendFile(batch.map(({ line }) => line).join(""));
        await file.datasync();
        for (const { resolve } of batch) resolve();
      } catch (cause) {
        for (const { reject } of batch) reject(fail(Reason.AUDIT_UNAVAILABLE, {}, { cause }));
      }
    }
    running = undefined;
  };

  return {
    write(facts: AuditFacts) {
      // JSON escapes line ends, so that no value can begin a record of its own (AU-12).
      const samples = facts.targetSamples?.map((sample) => Buffer.from(sample).toString("base64"));
      const line = `${JSON.stringify({ time: now().toISOString(), ...facts, ...(samples === undefined ? {} : { targetSamples: samples }) })}\n`;
      return new Promise((resolve, reject) => {
        waiting.push({ line, resolve, reject });
        running ??= flush();
      });
    },
    async close() {
      await running;
      await file.close();
    },
  };
}
