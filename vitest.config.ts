// Tells vitest where the tests are, which conditions load workspace packages from source, what files share, and how many run at once.

import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Workspace packages offer their TypeScript under the first condition; the others are Vite's own for Node. */
const conditions = ["@parapet/source", "module", "node", "development|production"];

/** Where to write the results for a program to read, beside what is printed. */
const jsonFile = process.env["VITEST_JSON_FILE"];

/** Tests of the whole, which are long, ahead of those beside the code: short tests fill the cores while the last of the long ones end. One project, so that both share processes. */
class SystemFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isSystem = ({ moduleId }: TestSpecification): boolean => !moduleId.includes("/src/");
    return [...sorted.filter(isSystem), ...sorted.filter((file) => !isSystem(file))];
  }
}

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    globalSetup: "tests/build-program.ts",
    // Nothing is kept in modules or globals, so files share processes, and load the modules once.
    isolate: false,
    include: ["tests/**/*.test.ts", "scripts/**/*.test.mjs", "**/src/**/*.test.ts"],
    sequence: { sequencer: SystemFirst },
    exclude: ["**/dist/**", "**/node_modules/**"],
    // They end what hangs; a machine that is slow, or busy with other work, must not meet them.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: "forks",
    // Twice the cores that CI has: many tests wait for time-outs and processes.
    maxWorkers: 4,
    reporters: jsonFile ? ["default", ["json", { outputFile: jsonFile }]] : ["default"],
  },
});
