import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { configDefaults, defineConfig } from "vitest/config";
import { LIMITS } from "./test/limits.js";

const source = (path: string): string => fileURLToPath(new URL(`packages/${path}`, import.meta.url));

/** Tests run the packages from their sources, without a build. */
const packages = readdirSync(new URL("packages", import.meta.url)).map((name) => ({
  find: `@ocilot/${name}`,
  replacement: source(`${name}/src/index.ts`),
}));

/** What belongs to a whole process, or to every module that is loaded: a test of a package that changes it has a process of its own. */
const OWN_PROCESS =
  /\bvi\.(?:mock|doMock|resetModules|stub|spyOn|useFakeTimers)|\bprocess\.(?:chdir|umask|on|once|memoryUsage|resourceUsage)\(|\bprocess\.env(?:\.\w+|\[[^\]]+\]) = /;
const ofPackages = readdirSync(new URL("packages", import.meta.url), { recursive: true, encoding: "utf8" })
  .map((path) => `packages/${path.replaceAll("\\", "/")}`)
  .filter((path) => /^packages\/[^/]+\/test\/.*\.test\.ts$/.test(path));
const ownProcess = ofPackages.filter((path) => OWN_PROCESS.test(readFileSync(new URL(path, import.meta.url), "utf8")));

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
    ...LIMITS,
    projects: [
      // To load the packages takes longer than most of these files: they are loaded once for each worker.
      {
        extends: true,
        test: {
          name: "packages",
          isolate: false,
          include: ["packages/*/test/**/*.test.ts"],
          exclude: [...configDefaults.exclude, ...ownProcess],
        },
      },
      {
        extends: true,
        test: {
          name: "own process",
          include: [...ownProcess, "test/**/*.test.ts"],
          exclude: [...configDefaults.exclude, "test/interop/**", "test/browser/**"],
        },
      },
    ],
  },
});
