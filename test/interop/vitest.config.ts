import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import base from "../../vitest.config.js";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: here("../.."),
  ...(base.resolve && { resolve: base.resolve }),
  test: {
    include: ["test/interop/*.test.ts"],
    globalSetup: [here("setup.ts")],
    maxWorkers: "100%",
    testTimeout: 120_000,
    hookTimeout: 60_000,
    maxConcurrency: 4,
    disableConsoleIntercept: true,
  },
});
