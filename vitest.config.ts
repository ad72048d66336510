import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { configDefaults, defineConfig } from "vitest/config";
import { LIMITS } from "./test/limits.js";

const source = (path: string): string => fileURLToPath(new URL(`packages/${path}`, import.meta.url));

/** Tests run the packages from their sources, without a build. */
const packages = readdirSync(new URL("packages", import.meta.url)).map((name) => ({
  find: `@ocilot/${name}`,
  replacement: source(`${name}/src/index.ts`),
}));

export default defineConfig({
  resolve: {
    alias: [
      { find: "@ocilot/layout/spec", replacement: source("layout/src/spec/index.ts") },
      { find: "@ocilot/layout/web", replacement: source("layout/src/web.ts") },
      { find: "@ocilot/referrers/web", replacement: source("referrers/src/web.ts") },
      { find: "#sha2", replacement: source("layout/src/content/sha2-node.ts") },
      ...packages,
    ],
  },
  test: {
    include: ["packages/*/test/**/*.test.ts", "test/**/*.test.ts"],
    exclude: [...configDefaults.exclude, "test/interop/**", "test/browser/**"],
    ...LIMITS,
  },
});
