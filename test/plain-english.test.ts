import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Words and turns of phrase that a newcomer has to decode; CONTRIBUTING.md, "How texts are worded", says how to write instead. */
const AVOIDED: readonly RegExp[] = [
  /\b(speaks?|spoken|speaking)\b/,
  /\b(mend(s|ed|ing)?|cures?|heal(s|ed)?)\b/,
  /\bTHERE\b/,
  /named by nothing|nothing needs|dealt with|so much is/i,
  /has a place for|stays? where (it|they) (was|were)|as the target cannot/,
  /takes? a name away|none of the files of|not in the layout or damaged/i,
  /\bwhoever\b|\btold of\b|unless told/i,
  /\bbears?\b/,
];

const TEXTS = ["README.md", "ARCHITECTURE.md", ...readmes(), ...below("docs", ".md"), ...below(".changeset", ".md")];
const SOURCES = readdirSync(join(root, "packages")).flatMap((name) => below(`packages/${name}/src`, ".ts"));

function readmes(): string[] {
  const all = readdirSync(join(root, "packages")).map((name) => `packages/${name}/README.md`);
  return all.filter((path) => existsSync(join(root, path)));
}

function below(directory: string, suffix: string): string[] {
  return readdirSync(join(root, directory), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(suffix))
    .map((name) => `${directory}/${name.replaceAll("\\", "/")}`);
}

test.each([
  ["help, messages and comments", SOURCES],
  ["pages", TEXTS],
])("%s use plain words", (_, files) => {
  expect(files.length).toBeGreaterThan(5);
  const found = files.flatMap((file) =>
    readFileSync(join(root, file), "utf8")
      .split("\n")
      .flatMap((line, i) => (AVOIDED.some((pattern) => pattern.test(line)) ? [`${file}:${i + 1}: ${line.trim()}`] : [])),
  );
  expect(found).toEqual([]);
});
