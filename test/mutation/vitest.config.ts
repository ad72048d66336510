import { fileURLToPath } from "node:url";
import { mergeConfig } from "vitest/config";
import base from "../../vitest.config.js";
import { GROUPS } from "./groups.mjs";

const group = GROUPS[process.env["OCILOT_MUTATION_GROUP"] ?? ""];
if (group === undefined) throw new Error("OCILOT_MUTATION_GROUP names no group of test/mutation/groups.mjs");
const config = mergeConfig(base, {
  root: fileURLToPath(new URL("../..", import.meta.url)),
  test: { setupFiles: [fileURLToPath(new URL("threads.ts", import.meta.url))] },
});
config.test.include = group.tests.map((path) => `packages/${path}`);
delete config.test.projects;

export default config;
