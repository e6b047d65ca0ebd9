// Starts the documentation page. What a visitor enters stays in this page's memory; nothing is asked of any other origin.

// The bundle would try whether it may compile code from text. The page's policy refuses that, and this spares the attempt.
globalThis.__zod_globalConfig = { jitless: true };

/** A request as it is meant: an empty credential is none. */
function send(input, init) {
  const request = new Request(input, init);
  for (const name of ["authorization", "x-api-key"]) if (/^(?:bearer)?\s*$/i.test(request.headers.get(name) ?? "")) request.headers.delete(name);
  return fetch(request);
}

addEventListener("DOMContentLoaded", () => {
  const description = document.querySelector("link[rel=service-desc]").href;
  globalThis.Scalar.createApiReference("#reference", {
    url: description,
    servers: [{ url: new URL(".", description).href.replace(/\/$/, "") }],
    authentication: { preferredSecurityScheme: "bearerAuth" },
    customFetch: send,
    persistAuth: false,
    telemetry: false,
    withDefaultFonts: false,
    agent: { disabled: true },
    mcp: { disabled: true },
    showDeveloperTools: "never",
    hideClientButton: true,
    documentDownloadType: "direct",
    defaultOpenAllTags: true,
    defaultHttpClient: { targetKey: "shell", clientKey: "curl" },
  });
});
