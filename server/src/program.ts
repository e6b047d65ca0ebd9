/** What the command line imports: the server as a process, and its configuration. `scripts/bundle.mjs` joins the modules behind it. */
export { serve, type ServeOptions } from "./main.js";
export { ConfigError, describeConfig, loadConfig, variablesMarkdown } from "./config.js";
