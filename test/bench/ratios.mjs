#!/usr/bin/env node
// node test/bench/ratios.mjs [--write]
// Compares the processor time of a few jobs with that of oras, or of `node -e 0`, in one run, and fails where a ratio is worse than twice the one in
// ratios.json; --write puts the ratios measured there. Processor time and the least of several runs in turn hold on a loaded machine too.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cached, makeReferrers } from "./inputs.mjs";
import { measure } from "./measure.mjs";

const ROUNDS = 5;
/** How often a job that seems too slow is measured again before it fails. */
const TRIES = 3;
const WORSE = 2;

const repository = fileURLToPath(new URL("../..", import.meta.url));
const file = join(repository, "test/bench/ratios.json");
const ocilot = [process.execPath, join(repository, "packages/cli/dist/ocilot.js")];
const fixture = join(repository, "fixtures/layouts/oras");
process.env.PATH = [join(process.env.OCILOT_TOOLS ?? join(homedir(), ".cache", "ocilot-tools"), "bin"), process.env.PATH].join(delimiter);

const root = mkdtempSync(join(tmpdir(), "ocilot-ratios-"));
process.on("exit", () => rmSync(root, { recursive: true, force: true }));
process.env.XDG_CACHE_HOME = root;
const many = cached(root, "1000", (d) => makeReferrers(d, 1000, 1));
const some = cached(root, "300", (d) => makeReferrers(d, 300, 1));
const ours = cached(root, "ours", (d) => makeReferrers(d, 1000, 100));
const theirs = cached(root, "theirs", (d) => makeReferrers(d, 1000, 100));
const attached = join(root, "file.txt");
writeFileSync(attached, "hello\n");
let copies = 0;
const fresh = () => join(root, `copy-${++copies}`);

const EMPTY = [process.execPath, "-e", "0"];
const TYPE = ["--artifact-type", "application/vnd.example.new"];
/** Each job: how ocilot does it, and what it is compared with. */
const jobs = {
  "start: --version, beside node -e 0": [() => [...ocilot, "--version"], () => EMPTY],
  "start: attach --help, beside node -e 0": [() => [...ocilot, "attach", "--help"], () => EMPTY],
  "start: ls of a fixture, beside node -e 0": [() => [...ocilot, "ls", fixture], () => EMPTY],
  "start: referrers of a fixture, beside node -e 0": [() => [...ocilot, "referrers", `${fixture}:v1`], () => EMPTY],
  "list 1,000, beside oras": [
    () => [...ocilot, "referrers", `${many}:v0`, "--json"],
    () => ["oras", "discover", "--oci-layout", `${many}:v0`, "--format", "json"],
  ],
  "attach to 1,000, beside oras": [
    () => [...ocilot, "attach", `${ours}:v0`, attached, ...TYPE, "--no-sync"],
    () => ["oras", "attach", "--oci-layout", `${theirs}:v0`, ...TYPE, "--disable-path-validation", attached],
  ],
  "copy 300 referrers, beside oras": [
    () => [...ocilot, "copy", `${some}:v0`, fresh(), "--no-sync"],
    () => ["oras", "cp", "-r", "--from-oci-layout", `${some}:v0`, "--to-oci-layout", `${fresh()}:v0`],
  ],
};

const hasOras = spawnSync("oras", ["version"]).status === 0;
const known = JSON.parse(readFileSync(file, "utf8"));
const found = {};
let failed = 0;
for (const [name, commands] of Object.entries(jobs)) {
  if (name.endsWith("oras") && !hasOras) throw new Error("oras is not installed: bash test/tools/install.sh");
  const least = [Infinity, Infinity];
  const limit = WORSE * (known[name] ?? Infinity);
  for (let tries = 0; tries === 0 || (tries < TRIES && least[0] / least[1] > limit); tries++) {
    // One more, which is not counted: it reads what the others find in memory.
    for (let i = 0; i <= ROUNDS; i++) {
      for (const [who, command] of commands.entries()) {
        const { status, stderr, user, sys } = await measure(command(), { limit: 120_000 });
        if (status !== 0) throw new Error(`${name}: exit ${status}: ${stderr}`);
        if (i > 0) least[who] = Math.min(least[who], user + sys);
      }
    }
  }
  const ratio = least[0] / least[1];
  found[name] = Number(ratio.toFixed(2));
  const isFine = ratio <= limit;
  if (!isFine) failed++;
  console.log(
    `${isFine ? "ok  " : "FAIL"} ${name}: ${ratio.toFixed(2)} (${least.map((s) => s.toFixed(3)).join(" s, ")} s; ${known[name]} in ratios.json)`,
  );
}
if (process.argv.includes("--write")) writeFileSync(file, `${JSON.stringify(found, null, 2)}\n`);
else process.exitCode = failed > 0 ? 1 : 0;
console.log(`${Object.keys(jobs).length - failed} passed, ${failed} failed`);
