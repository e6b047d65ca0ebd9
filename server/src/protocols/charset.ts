/** The charset of JSON, which is UTF-8 and no other (RFC 8259 section 8.1). */

/** True unless a content type names another. */
export function isUtf8(contentType: string | undefined): boolean {
  if (contentType === undefined || !contentType.includes(";")) return true;
  const charset = /;\s*charset\s*=\s*("[^"]*"|[^;\s]*)/i.exec(contentType)?.[1];
  return charset === undefined || /^"?utf-?8"?$/i.test(charset);
}
