// Writes documents with their audit records into a store, as fast as it can, and tells on stdout what became durable.
//
//   node scripts/checks/writer.mjs --directory D --round R [--in-flight 64] [--abort-every 10] [--count N] [--early]
//
// Lines: `ready`, `ack <id> <sequence>` once a transaction has resolved, `aborted <id>` once one was rolled back.
// --early acknowledges before the commit: a control, which a check must catch.

import { writeSync } from "node:fs";
import { parseArgs } from "node:util";
import { createLog, documentRows, factsOf, isAborted, openLmdbStore } from "./subject.mjs";

const { values } = parseArgs({
  options: {
    directory: { type: "string" },
    round: { type: "string", default: "0" },
    "in-flight": { type: "string", default: "64" },
    "abort-every": { type: "string", default: "10" },
    count: { type: "string", default: "Infinity" },
    early: { type: "boolean", default: false },
  },
});
const abortEvery = Number(values["abort-every"]);
const count = Number(values.count);

const store = openLmdbStore({ directory: values.directory });
const log = createLog(store);
say("ready");

let next = 0;
await Promise.all(Array.from({ length: Number(values["in-flight"]) }, lane));
await store.close();

async function lane() {
  while (next < count) {
    const number = next++;
    const id = `${values.round}-${number}`;
    const aborts = isAborted(number, abortEvery);
    try {
      const sequence = await store.transact((tx) => {
        for (const [key, value] of documentRows(id)) tx.put(key, value);
        const place = log.append(tx, factsOf(id));
        if (values.early && !aborts) say(`ack ${id} ${place}`);
        if (aborts) throw new Error("abort");
        return place;
      });
      if (!values.early) say(`ack ${id} ${sequence}`);
    } catch (error) {
      if (error.message !== "abort") throw error;
      say(`aborted ${id}`);
    }
  }
}

/** One write each, at once, so that the moment of a line is the moment it was said. */
function say(line) {
  for (let bytes = Buffer.from(`${line}\n`); bytes.length > 0; ) {
    try {
      bytes = bytes.subarray(writeSync(1, bytes));
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
  }
}
