/** What a library user imports. */
export { type Config, ConfigError, describeConfig, loadConfig, type Loaded, type LoadOptions, variablesMarkdown } from "./config.js";
