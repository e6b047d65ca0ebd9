/** Runs many small observations a few at a time, so that a deployment can commit their records together. */

/** Observations under way at once. */
const width = 8;

/** Calls `observe` for every item, eight at a time; the order of their ends is not that of the items. */
export async function inParallel<T>(items: readonly T[], observe: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  await Promise.all(
    Array.from({ length: Math.min(width, items.length) }, async () => {
      for (const item of queue) await observe(item);
    }),
  );
}
