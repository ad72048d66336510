// The main job on a fixture: read a layout, see who finds what, convert a copy, see again.
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const directory = mkdtempSync(join(tmpdir(), "ocilot-tour-"));
cpSync(join(root, "fixtures/layouts/oras"), join(directory, "layout"), { recursive: true });

function ocilot(...args) {
  process.stdout.write(`$ ocilot ${args.join(" ")}\n`);
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, "packages/cli/dist/ocilot.js"), ...args], {
    cwd: directory,
    encoding: "utf8",
  });
  process.stdout.write(`${stdout}${stderr}\n`);
  if (status !== 0) throw new Error(`exit code ${status}`);
}

try {
  ocilot("ls", "layout");
  ocilot("referrers", "layout:v1", "--recursive");
  ocilot("convert", "layout", "--to", "universal", "--output", "universal");
  ocilot("referrers", "universal:v1", "--recursive");
} finally {
  rmSync(directory, { recursive: true, force: true });
}
