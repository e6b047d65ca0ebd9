/** Opaque ids, in the order of their making. */

/** Makes an id such as `usr_0192f0c1…`. */
export interface NewId {
  (prefix: string): string;
}

/**
 * Ids of 32 hex digits after the prefix: 48 bits of Unix milliseconds, then 80 random ones (the layout of UUIDv7, RFC 9562
 * section 5.7, without its version bits), so that rows made one after the other lie side by side.
 */
export function createIds({ nowMs, randomBytes }: { readonly nowMs: () => number; readonly randomBytes: (size: number) => Uint8Array }): NewId {
  return (prefix) => {
    const time = Math.floor(nowMs()).toString(16).padStart(12, "0");
    return `${prefix}_${time}${Buffer.from(randomBytes(10)).toString("hex")}`;
  };
}
