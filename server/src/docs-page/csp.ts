/** What the documentation page may load (W3C Content Security Policy Level 3). */

/** Scripts and requests of this origin only; no inline script or style sheet, no eval, no frame around it. */
export const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  // A style attribute concerns the element that has it and nothing else; the bundle cannot do without.
  "style-src-attr 'unsafe-inline'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");
