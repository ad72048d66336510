import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { LIMITS } from "../limits.js";
import base from "../../vitest.config.js";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: here("../.."),
  ...(base.resolve && { resolve: base.resolve }),
  test: {
    include: ["test/interop/*.test.ts"],
    globalSetup: [here("setup.ts")],
    ...LIMITS,
    maxConcurrency: 4,
    disableConsoleIntercept: true,
  },
});
