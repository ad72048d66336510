import { execFileSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const PACKAGES = fileURLToPath(new URL("../..", import.meta.url));
/** The built command line. */
export const BUILT_CLI: string = join(PACKAGES, "cli/dist/ocilot.js");

/** Builds the command line, unless it is newer than what it is made of: its sources and the built libraries. */
export function buildCli(): void {
  const libraries = ["layout", "referrers", "registry", "server"].map((name) => `${name}/dist`);
  const made = statSync(BUILT_CLI, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const newest = Math.max(
    ...["cli/src", "cli/build.mjs", "cli/third-party.mjs", ...libraries].map((path) => newestIn(join(PACKAGES, path))),
  );
  if (newest >= made) execFileSync(process.execPath, [join(PACKAGES, "cli/build.mjs")]);
}

function newestIn(path: string): number {
  const stats = statSync(path);
  if (!stats.isDirectory()) return stats.mtimeMs;
  const files = readdirSync(path, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  return Math.max(...files.map((file) => statSync(join(file.parentPath, file.name)).mtimeMs));
}
