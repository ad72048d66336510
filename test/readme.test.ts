import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "rolldown";
import { afterEach, beforeEach, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const readme = readFileSync(join(root, "README.md"), "utf8");
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "ocilot-readme-"));
  cpSync(join(root, "fixtures/layouts/oras"), join(directory, "layout"), { recursive: true });
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

function blocks(language: string): string[] {
  return [...readme.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, "gs"))].map((match) => match[1]!);
}

test("the tour prints what the README says it prints", () => {
  const sessions = blocks("console");
  expect(sessions.length).toBeGreaterThan(2);
  for (const session of sessions) {
    const [command, ...expected] = session.trimEnd().split("\n");
    const args = command!.replace("$ ocilot ", "").split(" ");
    const printed = execFileSync(process.execPath, [join(root, "packages/cli/dist/ocilot.js"), ...args], {
      cwd: directory,
      encoding: "utf8",
    });
    expect(printed.trimEnd().split("\n")).toEqual(expected);
  }
});

test("the TypeScript of the README runs as it stands", async () => {
  const [source] = blocks("ts");
  const entry = join(directory, "example.ts");
  writeFileSync(entry, source!);
  const packages = join(root, "packages");
  await build({
    input: entry,
    platform: "node",
    resolve: {
      alias: {
        "@ocilot/layout/spec": join(packages, "layout/src/spec/index.ts"),
        "@ocilot/layout": join(packages, "layout/src/index.ts"),
        "@ocilot/referrers": join(packages, "referrers/src/index.ts"),
      },
    },
    output: { file: join(directory, "example.mjs"), format: "esm", codeSplitting: false },
    logLevel: "silent",
  });
  const printed = execFileSync(process.execPath, [join(directory, "example.mjs")], { cwd: directory, encoding: "utf8" });
  expect(printed).toContain("application/spdx+json S");
  expect(printed.trimEnd().split("\n").at(-1)).toMatch(/^sha256:[0-9a-f]{64} true \[\]$/);
});
