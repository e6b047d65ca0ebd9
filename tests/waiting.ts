/** Waits that end: what does not come in time is an error that says what was waited for. */

/** How long to wait for what a healthy server does at once, on a machine that is busy with other things, in milliseconds. */
export const patienceMs = 60_000;
const pollMs = 20;

/** Resolves when `holds` does, asked again and again. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, timeoutMs = patienceMs): Promise<void> {
  const endMs = performance.now() + timeoutMs;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => void setTimeout(resolve, pollMs));
  }
}

/** What `promise` settles with. */
export function within<T>(what: string, promise: Promise<T>, timeoutMs = patienceMs): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`not within ${timeoutMs} ms: ${what}`)), timeoutMs);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
