/** What a library user imports. */
export { type Config, ConfigError, describeConfig, loadConfig, type Loaded, type LoadOptions, variablesMarkdown } from "./config.js";
export { createOnePort, type OnePort, type OnePortTimeouts, type RequestHandler } from "./edge/one-port.js";
