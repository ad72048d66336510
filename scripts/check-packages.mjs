// Checks every published package as npm packs it: publint (files, exports, fields) and, for the libraries, whether TypeScript resolves
// what Node runs (arethetypeswrong).
import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const packages = fileURLToPath(new URL("../packages/", import.meta.url));
const run = (...command) => {
  const { status, stdout, stderr } = spawnSync("npx", ["--no-install", ...command], { encoding: "utf8" });
  if (status === 0) return console.log(`${command[0]} ${command.at(-1).slice(packages.length)}: clean`);
  console.error(stdout + stderr);
  process.exitCode = 1;
};

for (const name of readdirSync(packages)) {
  const manifest = JSON.parse(readFileSync(`${packages}${name}/package.json`, "utf8"));
  if (manifest.private) continue;
  run("publint", "--strict", "--pack", "npm", packages + name);
  if (manifest.exports !== undefined) run("attw", "--profile", "esm-only", "--pack", packages + name);
}
