import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ROOT } from "./blocks.js";
import { Shell } from "./shell.js";

/** The examples of every command, as help, manual pages and docs/cli.md show them. */
const EXAMPLES = [...readFileSync(join(ROOT, "docs/cli.md"), "utf8").matchAll(/^(ocilot .*?) # (.*)$/gm)].map((m): [string, string] => [
  m[1]!,
  m[2]!,
]);

/** Digests that examples shorten, as those of the fixture. */
const DIGESTS: Readonly<Record<string, string>> = {
  "sha256:4e1f…": "sha256:b238b9ddaf2231e98a48ee10fe07b0b332fb64c70a63562b98f252e5302cf8ca",
  "sha256:b238…": "sha256:b238b9ddaf2231e98a48ee10fe07b0b332fb64c70a63562b98f252e5302cf8ca",
  "sha256:002f…": "sha256:002f58e9ebb1f5e433aa038484fe65d7179a0409c689ba5184c9d5a8418c49b8",
};
/** What does not end by itself, asks at a terminal, or needs a registry on the internet; tests of these commands run them otherwise. */
const NOT_RUN = /^ocilot (?:serve|login|logout) /;
/** What an example's exit code says of the layout that it is run on: something would change, is not found by a tool, is required, or has not arrived. */
const EXITS: Readonly<Record<string, number>> = {
  "ocilot convert ./layout --to universal --check": 7,
  "ocilot doctor ./layout": 7,
  "ocilot doctor ./layout --format junit > doctor.xml": 7,
  "ocilot unbundle week2.part-002-of-003.tar --into ./layout": 8,
  "ocilot verify bundle.tar v1 --require 'application/spdx+json;scope=platform' --receipt bundle.json": 4,
  "ocilot verify ./layout --require sbom --require 'signature;scope=image'": 4,
};
/** What has to be done first: a result that other examples begin with is not there yet. */
const BEFORE: Readonly<Record<string, string>> = {
  "ocilot bundle docker://registry.example/app:v1 --output app.tar": "rm app.tar",
  "ocilot copy --all ./layout bundle.tar": "rm bundle.tar",
  "ocilot init ./layout": "rm -r layout",
  "ocilot unbundle week2.part-002-of-003.tar --into ./layout": "rm -r layout",
  "ocilot detach ./layout@sha256:b238…": "ocilot detach layout@sha256:6bb660609319ed33157dbd3018458d8c0be95fee2d72cc7c41b203136ebbd19a",
};

/** Sizes for what is 4 GB large at a user's. */
const SIZES: readonly (readonly [string, string])[] = [["--split 4G", "--split 1M"]];
const IMAGE = DIGESTS["sha256:002f…"]!.slice("sha256:".length);
/** A document, as JSON in single quotes. */
const PROVENANCE = {
  _type: "https://in-toto.io/Statement/v1",
  subject: [{ name: "hello", digest: { sha256: IMAGE } }],
  predicateType: "https://slsa.dev/provenance/v1",
  predicate: { buildDefinition: { buildType: "https://example.org/build" } },
};
const SETUP = `
set -e
cp -r "$FIXTURES/layouts/oras" layout
printf '%s' '{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT","name":"hello"}' > sbom.spdx.json
printf '%s' '${JSON.stringify(PROVENANCE)}' > provenance.json
printf '{}' > scan.json
echo secret > token.txt
ocilot attach layout:v1 provenance.json
ocilot attach layout:v1 scan.json --artifact-type application/vnd.example.scan
head -c 1500000 /dev/urandom > large.bin
ocilot attach layout:v1 large.bin --artifact-type application/vnd.example.large
ocilot extract "$FIXTURES/layouts/oras-cosign-bundle:v1" --kind signature --output bundle-files
cp bundle-files/* image.sigstore.json
ocilot cat layout@sha256:b238b9ddaf2231e98a48ee10fe07b0b332fb64c70a63562b98f252e5302cf8ca > signature-manifest.json
cp -r layout backup
ocilot copy --all layout bundle.tar
for place in registry.example/app registry.example/tools registry.local/app registry.local/web; do ocilot copy layout:v1 docker://$place:v1; done
ocilot bundle docker://registry.example/app:v1 --output app.tar
ocilot bundle layout --output week2.tar --split 1M
ocilot receipt layout --output far.json
cp far.json before.json
cp far.json after.json
echo docker://registry.example/app:v1 > images.txt
mkdir -p mnt ~/.zfunc ~/.config/fish/completions ~/.local/share/bash-completion/completions
cp app.tar mnt/
`;

let shell: Shell;
beforeAll(async () => {
  execFileSync(process.execPath, [join(ROOT, "packages/cli/build.mjs")]);
  shell = new Shell({ PROFILE: "profile.ps1" });
  const { code, text } = await shell.run(SETUP);
  expect(code, text).toBe(0);
});
afterAll(async () => await shell.close());

test("no command is without an example, and few are not run", () => {
  expect(EXAMPLES.length).toBeGreaterThan(60);
  expect(EXAMPLES.filter(([call]) => NOT_RUN.test(call))).toHaveLength(7);
});

describe("the examples of help run as they stand", () => {
  test.each(EXAMPLES.filter(([call]) => !NOT_RUN.test(call)))("%s", async (call) => {
    const command = Object.entries(DIGESTS).reduce(
      (text, [short, digest]) => text.replaceAll(short, digest),
      SIZES.reduce((text, [own, small]) => text.replace(own, small), call.replaceAll("/mnt/", "mnt/")),
    );
    // Each in a directory of its own, with everything that examples name.
    const { code, text } = await shell.run(`rm -rf ../here && cp -r . ../here && cd ../here && ${BEFORE[call] ?? ":"} && { ${command}; }`);
    expect(code, text).toBe(EXITS[call] ?? 0);
  });
});
