#!/usr/bin/env node
// node test/bench/weekly.mjs [--layer BYTES] [--runs 5] [--huge BYTES]
// The weekly update of docs/bundles.md: 20 images of 10 layers with a referrer each, of which one layer each changed. Prints the size of the
// delta beside the changed bytes, and the time and processor time of bundle and unbundle beside `cat` and `cp` of the same bytes, in turn.
// --huge makes one sparse layer of so many bytes instead and prints the memory of bundle, of bundle in parts and of both unbundles.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { makeWeeks, makeZeros } from "./inputs.mjs";
import { measure, median } from "./measure.mjs";

const { values } = parseArgs({
  options: { layer: { type: "string", default: "10000000" }, runs: { type: "string", default: "5" }, huge: { type: "string" } },
});
const ocilot = [process.execPath, fileURLToPath(new URL("../../packages/cli/dist/ocilot.js", import.meta.url))];
const root = join(process.env.OCILOT_BENCH ?? tmpdir(), `ocilot-weekly-${process.pid}`);
const at = (...names) => join(root, ...names);
mkdirSync(root, { recursive: true });
try {
  await (values.huge === undefined ? weekly(Number(values.layer), Number(values.runs)) : huge(Number(values.huge)));
} finally {
  rmSync(root, { recursive: true, force: true });
}

async function weekly(layerBytes, runs) {
  const changed = makeWeeks([at("week1"), at("week2")], layerBytes);
  const bytes = changed.reduce((sum, path) => sum + statSync(path).size, 0);
  await must([...ocilot, "receipt", at("week1"), "--output", at("far.json")]);
  await must([...ocilot, "bundle", at("week2"), "--since", at("far.json"), "--output", at("delta.tar")]);
  const delta = statSync(at("delta.tar")).size;
  process.stdout.write(`changed ${bytes} bytes, delta ${delta} bytes: ${(delta / bytes).toFixed(4)}\n`);
  const cat = (target) => ["sh", "-c", `cat "$@" > "${target}"`, "cat", ...changed];
  const jobs = [
    { name: "cat, changed blobs to one file", run: cat },
    {
      name: "bundle --no-sync",
      run: (t) => [...ocilot, "bundle", at("week2"), "--since", at("far.json"), "--output", `${t}.tar`, "--no-sync"],
    },
    { name: "cp, the delta", run: (t) => ["cp", "--reflink=never", at("delta.tar"), t] },
    { name: "unbundle --no-sync", before: far, run: (t) => [...ocilot, "unbundle", at("delta.tar"), "--into", t, "--no-sync"] },
    { name: "cat and sync", run: (t) => ["sh", "-c", `cat "$@" > "${t}" && sync -d "${t}"`, "cat", ...changed] },
    { name: "bundle", run: (t) => [...ocilot, "bundle", at("week2"), "--since", at("far.json"), "--output", `${t}.tar`] },
    { name: "unbundle", before: far, run: (t) => [...ocilot, "unbundle", at("delta.tar"), "--into", t] },
  ];
  const results = new Map(jobs.map((j) => [j.name, []]));
  for (let i = 0; i <= runs; i++)
    for (const { name, before, run } of jobs) {
      const target = at(`run-${i}`);
      before?.(target);
      const result = await must(run(target));
      // The first round warms the caches.
      if (i > 0) results.get(name).push(result);
      for (const path of [target, `${target}.tar`]) rmSync(path, { recursive: true, force: true });
    }
  const figures = new Map(
    [...results].map(([name, of]) => [
      name,
      { ms: median(of.map((r) => r.ms)), cpu: median(of.map((r) => r.user + r.sys)), peak: Math.max(...of.map((r) => r.peak)) },
    ]),
  );
  const plain = figures.get(jobs[0].name);
  const synced = figures.get("cat and sync");
  for (const [name, { ms, cpu, peak }] of figures) {
    const base = /no-sync|^cat,|^cp/.test(name) ? plain : synced;
    process.stdout.write(
      `${name.padEnd(32)} ${(ms / 1000).toFixed(3)} s  x${(ms / base.ms).toFixed(2)}   cpu ${cpu.toFixed(3)} s  x${(cpu / base.cpu).toFixed(2)}   ${peak.toFixed(0)} MB\n`,
    );
  }
}

/** The site a week ago: a copy by names, as nothing in it is changed in place but `index.json`. */
function far(target) {
  execFileSync("cp", ["-rl", at("week1"), target]);
  rmSync(join(target, "index.json"));
  writeFileSync(join(target, "index.json"), readFileSync(at("week1", "index.json")));
}

async function huge(size) {
  mkdirSync(at("source", "blobs", "sha256"), { recursive: true });
  makeZeros(at("source"), size);
  const show = (name, { ms, peak }) => process.stdout.write(`${name.padEnd(32)} ${(ms / 1000).toFixed(1)} s   ${peak.toFixed(0)} MB\n`);
  show("bundle", await must([...ocilot, "bundle", at("source"), "--output", at("b.tar"), "--no-sync"]));
  show("unbundle", await must([...ocilot, "unbundle", at("b.tar"), "--into", at("far"), "--no-sync"]));
  for (const name of ["b.tar", "far"]) rmSync(at(name), { recursive: true });
  show("bundle --split fat32", await must([...ocilot, "bundle", at("source"), "--output", at("b.tar"), "--split", "fat32", "--no-sync"]));
  const parts = readdirSync(root)
    .filter((name) => name.endsWith(".tar"))
    .map((name) => at(name));
  show("unbundle, of the parts", await must([...ocilot, "unbundle", ...parts, "--into", at("far"), "--no-sync"]));
}

async function must(command) {
  const result = await measure(command, { limit: 3_600_000 });
  if (result.status !== 0) throw new Error(`${command.slice(0, 4).join(" ")}: exit ${result.status}: ${result.stderr}`);
  return result;
}
