#!/usr/bin/env node
// node test/bench/bench.mjs [--runs 5] [--only TEXT] [--size 1k,10k] [--quick] [--write]
// Runs every job with ocilot and with every peer on the PATH, in turn, and prints medians of time and processor time, ratios, memory and
// growth. --quick leaves out the largest sizes, runs three times and waits 10 s for a peer: less than ten minutes. --write makes
// docs/benchmarks.md of it. OCILOT_BENCH_REGCTL is the path of regctl.
// A job that grows more than 15 times from 10k to 100k makes it exit 1; nothing else is judged.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { cached, makeBigImage, makeConverted, makeReferrers, makeZeros } from "./inputs.mjs";
import { SIZES, jobs } from "./jobs.mjs";
import { measure, median } from "./measure.mjs";
import { exponentsOf, renderTable } from "./table.mjs";

const { values } = parseArgs({
  options: {
    runs: { type: "string" },
    only: { type: "string", default: "" },
    size: { type: "string" },
    quick: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});
const repository = fileURLToPath(new URL("../..", import.meta.url));
const ocilot = join(repository, "packages/cli/dist/ocilot.js");
const root = process.env.OCILOT_BENCH ?? join(tmpdir(), "ocilot-bench");
const sizes = (values.size ?? (values.quick ? "100,1k,10k,1 GiB,-" : "100,1k,10k,100k,1 GiB,10 GiB,-")).split(",");
const counted = Number(values.runs ?? (values.quick ? 3 : 5));
const regctl = process.env.OCILOT_BENCH_REGCTL || "regctl";
process.env.PATH = [join(process.env.OCILOT_TOOLS ?? join(homedir(), ".cache", "ocilot-tools"), "bin"), process.env.PATH].join(delimiter);

mkdirSync(root, { recursive: true });
writeFileSync(join(root, "file.txt"), "hello\n");
const inputs = { root, fixture: join(repository, "fixtures/layouts/oras"), big: cached(root, "big", (d) => makeBigImage(d, 1 << 30)) };
if (sizes.includes("10 GiB")) inputs.huge = cached(root, "huge", (d) => makeZeros(d, 10 * 2 ** 30));
/** Inputs that cannot be: no list may be larger than 8 MiB. */
const impossible = new Map();
for (const [name, count] of SIZES) {
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
for (const job of jobs({ ocilot, inputs, regctl })) {
  if (!sizes.includes(job.size) || !`${job.group} ${job.size}`.includes(values.only)) continue;
  const reason = impossible.get(job.input ?? job.copyOf);
  if (reason !== undefined) {
    rows.push({ group: job.group, size: job.size, measured: {}, failed: { "": reason } });
    continue;
  }
  const programs = Object.keys(job.run).filter((name) => isPresent(job.run[name]) && !(values.quick && job.slow?.includes(name)));
  const results = new Map(programs.map((p) => [p, []]));
  const failed = new Map();
  for (let i = 0; i <= (job.once ? 1 : counted); i++) {
    for (const program of programs) {
      if (failed.has(program) || (i > 0 && job.slow?.includes(program))) continue;
      const result = await once(job, program).catch((error) => ({ error }));
      if (result.error !== undefined) failed.set(program, result.error.message.replaceAll(root, "…"));
      // The first round warms the caches and does not count, but for a program that runs only once.
      else if (i > 0 || job.slow?.includes(program)) results.get(program).push(result);
    }
  }
  const measured = {};
  for (const [program, runsOf] of results) {
    if (runsOf.length === 0) continue;
    const middle = (of) => median(runsOf.map(of));
    measured[program] = {
      ms: middle((r) => r.ms),
      cpu: middle((r) => r.user + r.sys),
      sys: middle((r) => r.sys),
      peak: Math.max(...runsOf.map((r) => r.peak)),
    };
  }
  rows.push({ group: job.group, size: job.size, measured, failed: Object.fromEntries(failed) });
  process.stderr.write(
    `${job.group} ${job.size}: ${Object.entries(measured)
      .map(([p, { ms, cpu }]) => `${p} ${(ms / 1000).toFixed(3)} s (cpu ${cpu.toFixed(3)})`)
      .join(", ")}${[...failed].map(([p, why]) => ` | ${p}: ${why}`).join("")}\n`,
  );
}

rmSync(work, { recursive: true, force: true });
const text = renderTable(rows, { versions: programVersions(), args: process.argv.slice(2), sizes: SIZES });
process.stdout.write(text);
if (values.write) {
  const page = join(repository, "docs/benchmarks.md");
  writeFileSync(page, text);
  spawnSync("npx", ["oxfmt", page], { cwd: repository });
}
const steep = exponentsOf(rows, ["10k", 10_000], ["100k", 100_000]).filter((g) => g.exponent > 1.18);
for (const { group, exponent } of steep)
  process.stderr.write(`grows with the power of ${exponent.toFixed(2)} from 10k to 100k: ${group}\n`);
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
    limit: values.quick && program !== "ocilot" ? 10_000 : job.slow === undefined && !job.once ? 30_000 : 300_000,
  });
  if (result.status !== 0 && job.statuses?.includes(result.status) !== true)
    throw new Error(`exit ${result.status}: ${result.stderr.trim().split("\n").at(-1)}`);
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
    ["regctl", ask(regctl, "version") ?? "absent"],
    ["skopeo", ask("skopeo", "--version")],
    ["tar", ask("tar", "--version")],
  ].filter(([, version]) => version);
}
