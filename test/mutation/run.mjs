/**
 * Mutates the code that guards data and says what no test noticed. `npm run mutation` runs all groups, `npm run mutation -- GROUP…` some,
 * `--quick` those that CI runs; `--survivors` tries only what survived last time. `--update` writes figures and survivors to survivors.json. Exit code 1: a survivor has no written reason.
 */
import { readFile, writeFile } from "node:fs/promises";
import { setPriority } from "node:os";
import { parseArgs } from "node:util";
import { GROUPS } from "./groups.mjs";
import { mergeAgain, mergeResults, unexplained } from "./results.mjs";
import { runAgain, runGroup } from "./run-group.mjs";

const { values, positionals } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    survivors: { type: "boolean", default: false },
    update: { type: "boolean", default: false },
  },
  allowPositionals: true,
});
const unknown = positionals.filter((name) => !Object.hasOwn(GROUPS, name));
if (unknown.length > 0) {
  console.error(`unknown group: ${unknown.join(", ")}; groups: ${Object.keys(GROUPS).join(", ")}`);
  process.exit(2);
}
setPriority(10);
const RESULTS = new URL("survivors.json", import.meta.url);
const chosen = positionals.length > 0 ? positionals : Object.keys(GROUPS).filter((name) => !values.quick || GROUPS[name].isQuick);
let open = 0;
for (const name of chosen) {
  const started = Date.now();
  const before = JSON.parse(await readFile(RESULTS, "utf8"));
  if (values.survivors && before.groups[name] === undefined) throw new Error(`${name} has not been run yet`);
  const known = before.survivors.filter((row) => row.group === name);
  const found = values.survivors ? await runAgain(name, known) : await runGroup(name);
  const results = JSON.parse(await readFile(RESULTS, "utf8"));
  const next = values.survivors ? mergeAgain(results, name, found) : mergeResults(results, name, found);
  const { mutants, killed } = next.groups[name];
  const alive = next.survivors.filter((row) => row.group === name);
  const fresh = unexplained(results, alive);
  open += fresh.length;
  console.log(
    `${name}: ${killed} of ${mutants} mutants killed, ${fresh.length} of ${mutants - killed} survivors without a reason, ${Math.round((Date.now() - started) / 1000)} s`,
  );
  for (const { file, line, original, mutant } of fresh) console.log(`  ${file}: ${original}  =>  ${mutant}\n      ${line}`);
  if (values.update) await writeFile(RESULTS, `${JSON.stringify(next, undefined, 2)}\n`);
}
process.exitCode = open > 0 ? 1 : 0;
