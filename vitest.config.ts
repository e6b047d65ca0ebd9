// Tells vitest where the tests are, which conditions load workspace packages from source, and how many may run at once.

import { defineConfig } from "vitest/config";

/** Workspace packages offer their TypeScript under the first condition; the others are Vite's own for Node. */
const conditions = ["@parapet/source", "module", "node", "development|production"];

/** Where to write the results for a program to read, beside what is printed. */
const jsonFile = process.env["VITEST_JSON_FILE"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["**/src/**/*.test.ts", "tests/**/*.test.ts", "scripts/**/*.test.mjs"],
    exclude: ["**/dist/**", "**/node_modules/**"],
    testTimeout: 30_000,
    pool: "forks",
    // One more than the cores that CI has: many tests wait for time-outs and processes.
    maxWorkers: 3,
    reporters: jsonFile ? ["default", ["json", { outputFile: jsonFile }]] : ["default"],
  },
});
