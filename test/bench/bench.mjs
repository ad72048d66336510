#!/usr/bin/env node
// node test/bench/bench.mjs [--runs 5] [--only TEXT] [--size 1k,10k] [--save]
// Runs every job with ocilot and with every peer on the PATH, in turn, and prints median, ratio, memory and growth.
// A job that grows more than 15 times from 10k to 100k makes it exit 1; nothing else is judged.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { cached, makeBigImage, makeConverted, makeReferrers, makeZeros } from "./inputs.mjs";
import { jobs } from "./jobs.mjs";
import { measure, median } from "./measure.mjs";
import { growthOf, renderTable } from "./table.mjs";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "5" },
    only: { type: "string", default: "" },
    size: { type: "string", default: "1k,10k,100k,1 GiB,10 GiB,-" },
    save: { type: "boolean", default: false },
  },
});
const repository = fileURLToPath(new URL("../..", import.meta.url));
const ocilot = join(repository, "packages/cli/dist/ocilot.js");
const root = process.env.OCILOT_BENCH ?? join(tmpdir(), "ocilot-bench");
const sizes = values.size.split(",");
process.env.PATH = [join(process.env.OCILOT_TOOLS ?? join(homedir(), ".cache", "ocilot-tools"), "bin"), process.env.PATH].join(delimiter);

mkdirSync(root, { recursive: true });
writeFileSync(join(root, "file.txt"), "hello\n");
const inputs = { root, fixture: join(repository, "fixtures/layouts/oras"), big: cached(root, "big", (d) => makeBigImage(d, 1 << 30)) };
if (sizes.includes("10 GiB")) inputs.huge = cached(root, "huge", (d) => makeZeros(d, 10 * 2 ** 30));
/** Inputs that cannot be: no list may be larger than 8 MiB. */
const impossible = new Map();
for (const [name, count] of [
  ["1k", 1000],
  ["10k", 10_000],
  ["100k", 100_000],
]) {
  for (const subjects of [1, 100]) {
    inputs[`${name}-${subjects}-oras`] = join(root, `${name}-${subjects}-oras`);
    if (sizes.includes(name)) cached(root, `${name}-${subjects}-oras`, (d) => makeReferrers(d, count, subjects));
    for (const convention of ["regclient", "universal"]) {
      const key = `${name}-${subjects}-${convention}`;
      inputs[key] = join(root, key);
      try {
        if (sizes.includes(name)) cached(root, key, (d) => makeConverted(d, inputs[`${name}-${subjects}-oras`], convention, ocilot));
      } catch (error) {
        rmSync(`${inputs[key]}.part`, { recursive: true, force: true });
        if (!error.message.includes("tools read no list")) throw error;
        impossible.set(inputs[key], "no such layout: its list would be larger than any tool reads");
      }
    }
  }
}

const work = join(root, "work");
rmSync(work, { recursive: true, force: true });
mkdirSync(work);
let runs = 0;
const rows = [];
for (const job of jobs({ ocilot, inputs })) {
  if (!sizes.includes(job.size) || !`${job.group} ${job.size}`.includes(values.only)) continue;
  const reason = impossible.get(job.input);
  if (reason !== undefined) {
    rows.push({ group: job.group, size: job.size, medians: {}, peaks: {}, failed: { "": reason } });
    continue;
  }
  const programs = Object.keys(job.run).filter((name) => isPresent(job.run[name]));
  const times = new Map(programs.map((p) => [p, []]));
  const peaks = new Map(programs.map((p) => [p, 0]));
  const failed = new Map();
  for (let i = 0; i <= (job.once ? 1 : Number(values.runs)); i++) {
    for (const program of programs) {
      if (failed.has(program) || (i > 0 && job.slow?.includes(program))) continue;
      const result = await once(job, program).catch((error) => ({ error }));
      if (result.error !== undefined) failed.set(program, result.error.message.replaceAll(root, "…"));
      // The first round warms the caches and does not count, but for a program that runs only once.
      else if (i > 0 || job.slow?.includes(program)) {
        times.get(program).push(result.ms);
        peaks.set(program, Math.max(peaks.get(program), result.peak));
      }
    }
  }
  const medians = Object.fromEntries(programs.filter((p) => times.get(p).length > 0).map((p) => [p, median(times.get(p))]));
  rows.push({ group: job.group, size: job.size, medians, peaks: Object.fromEntries(peaks), failed: Object.fromEntries(failed) });
  process.stderr.write(
    `${job.group} ${job.size}: ${Object.entries(medians)
      .map(([p, ms]) => `${p} ${(ms / 1000).toFixed(3)} s`)
      .join(", ")}${[...failed].map(([p, why]) => ` | ${p}: ${why}`).join("")}\n`,
  );
}

rmSync(work, { recursive: true, force: true });
const versions = programVersions();
const text = renderTable(rows, versions, Number(values.runs));
process.stdout.write(text);
if (values.save) writeFileSync(join(repository, "docs/benchmarks.md"), text);
const steep = growthOf(rows, "10k", "100k").filter((g) => g.factor > 15);
for (const { group, factor } of steep) process.stderr.write(`grows ${factor.toFixed(1)} times from 10k to 100k: ${group}\n`);
process.exitCode = steep.length > 0 ? 1 : 0;

/**
 * Each run has a directory of its own. Those of many small files are removed only in the end: ext4 is slow to make files
 * soon after many have been removed, whoever makes them.
 */
async function once(job, program) {
  const target = join(work, `${++runs}${job.suffix ?? ""}`);
  let before = 0;
  if (job.copyOf !== undefined) {
    const copied = spawnSync("cp", ["-rl", job.copyOf, target]);
    if (copied.status !== 0) cpSync(job.copyOf, target, { recursive: true });
    rmSync(join(target, "index.json"));
    cpSync(join(job.copyOf, "index.json"), join(target, "index.json"));
    before = JSON.parse(readFileSync(join(target, "index.json"), "utf8")).manifests.length;
  }
  const command = job.run[program];
  const result = await measure(typeof command === "function" ? command(target) : command, {
    output: job.output,
    limit: job.slow === undefined && !job.once ? 30_000 : 300_000,
  });
  if (result.status !== 0) throw new Error(`exit ${result.status}: ${result.stderr.trim().split("\n").at(-1)}`);
  await job.check(result, program, { target, before });
  if (job.size.endsWith("GiB")) rmSync(target, { recursive: true, force: true });
  return result;
}

/** A shell line is there if the program that it begins with is. */
function isPresent(command) {
  const [program, , line] = typeof command === "function" ? command("x") : command;
  const name = program === "sh" ? line.split(" ")[0] : program;
  return name.includes("/") ? existsSync(name) : spawnSync("which", [name]).status === 0;
}

function programVersions() {
  const ask = (program, ...args) => spawnSync(program, args, { encoding: "utf8" }).stdout?.split("\n")[0]?.trim();
  return [
    ["ocilot", ask(process.execPath, ocilot, "--version")],
    ["node", process.version],
    ["oras", ask("oras", "version")],
    ["regctl", ask("regctl", "version")],
    ["skopeo", ask("skopeo", "--version")],
    ["tar", ask("tar", "--version")],
  ].filter(([, version]) => version);
}
