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
    // In this order, so that the short ones fill the cores while the last of the long ones end.
    projects: [
      // Whole servers, processes and signals: each file has a process of its own.
      { extends: true, test: { name: "system", include: ["tests/**/*.test.ts", "scripts/**/*.test.mjs"], isolate: true } },
      // What stands beside the code keeps nothing in modules or globals: files share processes, and load the modules once.
      { extends: true, test: { name: "unit", include: ["**/src/**/*.test.ts"], isolate: false } },
    ],
    exclude: ["**/dist/**", "**/node_modules/**"],
    testTimeout: 30_000,
    pool: "forks",
    // One more than the cores that CI has: many tests wait for time-outs and processes.
    maxWorkers: 3,
    reporters: jsonFile ? ["default", ["json", { outputFile: jsonFile }]] : ["default"],
  },
});
