import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { LIMITS } from "../limits.js";
import base from "../../vitest.config.js";

export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  ...(base.resolve && { resolve: base.resolve }),
  test: {
    include: ["test/browser/*.test.ts"],
    ...LIMITS,
    disableConsoleIntercept: true,
  },
});
