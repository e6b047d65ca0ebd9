/** Works through a list with a bounded number of works at a time. */

/** Does a work for every item, at most `width` at a time. Rejects with the first failure, after which no new work starts. */
export async function forEachAtMost<Item>(width: number, items: readonly Item[], work: (item: Item, index: number) => Promise<void>): Promise<void> {
  let next = 0;
  let failed = false;
  const worker = async (): Promise<void> => {
    while (next < items.length && !failed) {
      const index = next++;
      try {
        await work(items[index]!, index);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker));
}
