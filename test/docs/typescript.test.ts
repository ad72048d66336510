import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "rolldown";
import { expect, onTestFinished, test } from "vitest";
import { ROOT } from "./blocks.js";

/** The last line that each program prints, page by page. */
const PRINTED: Readonly<Record<string, RegExp[]>> = {
  "README.md": [/^sha256:[0-9a-f]{64} true \[\]$/],
  "docs/tutorials/typescript.md": [
    /^application\/vnd\.oci\.image\.index\.v1\+json 645$/,
    /^application\/spdx\+json 1$/,
    /^true$/,
    /^0 3$/,
    /^\.\/nowhere is missing$/,
  ],
};

const PROGRAMS = Object.entries(PRINTED).flatMap(([page, lines]) => {
  const blocks = [...readFileSync(join(ROOT, page), "utf8").matchAll(/^```ts\n(.*?)^```$/gms)].map((match) => match[1]!);
  expect(blocks.length, page).toBe(lines.length);
  return blocks.map((source, i) => [`${page}, program ${i + 1}`, source, lines[i]!] as const);
});

test.each(PROGRAMS)("%s runs as it stands", async (_, source, last) => {
  const directory = mkdtempSync(join(tmpdir(), "ocilot-program-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  cpSync(join(ROOT, "fixtures/layouts/oras"), join(directory, "layout"), { recursive: true });
  writeFileSync(join(directory, "program.ts"), source);
  const packages = join(ROOT, "packages");
  await build({
    input: join(directory, "program.ts"),
    platform: "node",
    transform: { target: "node20.19" },
    resolve: {
      alias: {
        "@ocilot/layout/spec": join(packages, "layout/src/spec/index.ts"),
        "@ocilot/layout": join(packages, "layout/src/index.ts"),
        "@ocilot/referrers": join(packages, "referrers/src/index.ts"),
      },
    },
    output: { file: join(directory, "program.mjs"), format: "esm", codeSplitting: false },
    logLevel: "silent",
  });
  const printed = execFileSync(process.execPath, [join(directory, "program.mjs")], { cwd: directory, encoding: "utf8" });
  expect(printed.trimEnd().split("\n").at(-1)).toMatch(last);
});
