// Writes src/ui/assets.ts: the script and the style of the page as strings, because the command line is bundled into files that have
// no others beside them. A test fails where it was not run.
import { readFileSync, writeFileSync } from "node:fs";

const read = (name) => readFileSync(new URL(`src/ui/browser/${name}`, import.meta.url), "utf8");
const lines = (text) =>
  `[\n${text
    .split("\n")
    .map((line) => `  ${JSON.stringify(line)},\n`)
    .join("")}].join("\\n")`;
export const text = [
  "// Written by embed-page.mjs from browser/; not to be edited.\n",
  `/** The style of the page. */\nexport const STYLE: string = ${lines(read("page.css"))};\n`,
  `/** The script of the page. */\nexport const SCRIPT: string = ${lines(read("page.js"))};\n`,
].join("\n");
if (process.argv[1] === new URL(import.meta.url).pathname) writeFileSync(new URL("src/ui/assets.ts", import.meta.url), text);
