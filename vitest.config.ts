// Tells vitest where the tests are, which conditions load workspace packages from source, what files share, and how many run at once.

import { defineConfig } from "vitest/config";

/** Workspace packages offer their TypeScript under the first condition; the others are Vite's own for Node. */
const conditions = ["@parapet/source", "module", "node", "development|production"];

/** Where to write the results for a program to read, beside what is printed. */
const jsonFile = process.env["VITEST_JSON_FILE"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    globalSetup: "tests/build-program.ts",
    // Nothing is kept in modules or globals, so files share processes, and load the modules once.
    isolate: false,
    // In the order of their names: short tests fill the cores while the last of the long ones end.
    projects: [
      { extends: true, test: { name: "system", include: ["tests/**/*.test.ts", "scripts/**/*.test.mjs"] } },
      { extends: true, test: { name: "unit", include: ["**/src/**/*.test.ts"] } },
    ],
    exclude: ["**/dist/**", "**/node_modules/**"],
    testTimeout: 30_000,
    pool: "forks",
    // Twice the cores that CI has: many tests wait for time-outs and processes.
    maxWorkers: 4,
    reporters: jsonFile ? ["default", ["json", { outputFile: jsonFile }]] : ["default"],
  },
});
