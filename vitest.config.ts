import { fileURLToPath } from "node:url";
import { configDefaults, defineConfig } from "vitest/config";

const source = (path: string): string => fileURLToPath(new URL(`packages/${path}`, import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      { find: "@ocilot/layout/spec", replacement: source("layout/src/spec/index.ts") },
      { find: "@ocilot/layout", replacement: source("layout/src/index.ts") },
      { find: "@ocilot/referrers", replacement: source("referrers/src/index.ts") },
      { find: "@ocilot/testkit", replacement: source("testkit/src/index.ts") },
    ],
  },
  test: {
    include: ["packages/*/test/**/*.test.ts", "test/**/*.test.ts"],
    exclude: [...configDefaults.exclude, "test/interop/**"],
    testTimeout: 60_000,
  },
});
