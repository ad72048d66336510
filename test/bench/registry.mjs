#!/usr/bin/env node
// npm run bench:registry -- [--quick] [--runs 3] [--only 1,000|1\ GiB] [--write]
// Pushes, pushes again, pulls and pulls again with ocilot and with every peer on the PATH, in turn, against one docker-registry on the loopback
// interface, and prints wall time, CPU time, peak memory and requests of each. REGCTL names the program regctl where it is not on the PATH.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { homedir, tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { cached, makeBigImage, makeConverted, makeOwnReferrers } from "./inputs.mjs";
import { median } from "./measure.mjs";
import { renderRegistryPage, summaryOf } from "./registry-table.mjs";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    runs: { type: "string", default: "3" },
    only: { type: "string", default: "" },
    write: { type: "boolean", default: false },
  },
});
const repository = fileURLToPath(new URL("../..", import.meta.url));
const ocilot = join(repository, "packages/cli/dist/ocilot.js");
const root = process.env.OCILOT_BENCH ?? join(tmpdir(), "ocilot-bench");
process.env.PATH = [join(process.env.OCILOT_TOOLS ?? join(homedir(), ".cache", "ocilot-tools"), "bin"), process.env.PATH].join(delimiter);
const regctl = process.env.REGCTL ?? "regctl";
const runs = values.quick ? 1 : Number(values.runs);
const [count, bytes] = values.quick ? [100, 64 << 20] : [1000, 1 << 30];

mkdirSync(root, { recursive: true });
const many = cached(root, `registry-${count}`, (d) => makeOwnReferrers(d, count));
const manyListed = cached(root, `registry-${count}-regclient`, (d) => makeConverted(d, many, "regclient", ocilot));
const big = cached(root, `registry-big-${bytes}`, (d) => makeBigImage(d, bytes));

const work = mkdtempSync(join(root, "registry-"));
let registry;
const node = process.execPath;
/** For each program: the calls that push a layout and pull it; `referrers`: whether it copies them. */
const programs = {
  ocilot: {
    referrers: true,
    push: (layout, there) => [node, ocilot, "copy", `${layout}:v0`, `docker://${there}:v0`],
    pull: (there, layout) => [node, ocilot, "copy", `docker://${there}:v0`, layout],
  },
  "ocilot --no-sync": {
    referrers: true,
    pull: (there, layout) => [node, ocilot, "copy", "--no-sync", `docker://${there}:v0`, layout],
  },
  oras: {
    referrers: true,
    push: (layout, there) => ["oras", "cp", "-r", "--from-oci-layout", `${layout}:v0`, "--to-plain-http", `${there}:v0`],
    pull: (there, layout) => ["oras", "cp", "-r", "--from-plain-http", `${there}:v0`, "--to-oci-layout", `${layout}:v0`],
  },
  regctl: {
    referrers: true,
    program: regctl,
    push: (layout, there) => [...regctlCall(), "--referrers", `ocidir://${layout}:v0`, `${there}:v0`],
    pull: (there, layout) => [...regctlCall(), "--referrers", `${there}:v0`, `ocidir://${layout}:v0`],
  },
  skopeo: {
    push: (layout, there) => [
      "skopeo",
      "--insecure-policy",
      "copy",
      "--all",
      "--dest-tls-verify=false",
      `oci:${layout}:v0`,
      `docker://${there}:v0`,
    ],
    pull: (there, layout) => [
      "skopeo",
      "--insecure-policy",
      "copy",
      "--all",
      "--src-tls-verify=false",
      `docker://${there}:v0`,
      `oci:${layout}:v0`,
    ],
  },
  crane: {
    push: (layout, there) => ["crane", "push", "--insecure", layout, `${there}:v0`],
    pull: (there, layout) => ["crane", "pull", "--insecure", "--format", "oci", `${there}:v0`, layout],
  },
};

const groups = [
  { name: `${count.toLocaleString("en")} referrers`, input: (name) => (name === "regctl" ? manyListed : many), needsReferrers: true },
  { name: bytes === 1 << 30 ? "1 GiB" : "64 MiB", input: () => big, needsReferrers: false },
];
const rows = [];
try {
  for (const group of groups.filter(({ name }) => name.includes(values.only))) await runGroup(group);
} finally {
  await registry?.stop();
  rmSync(work, { recursive: true, force: true });
}
const page = renderRegistryPage(rows, { versions: versions(), runs, isQuick: values.quick });
process.stdout.write(page);
if (values.write) writeFileSync(join(repository, "docs/benchmarks-registry.md"), page);
for (const line of summaryOf(rows)) process.stderr.write(`${line}\n`);

async function runGroup({ name: group, input, needsReferrers }) {
  const names = Object.keys(programs).filter(
    (name) => (programs[name].referrers ?? !needsReferrers) && isPresent(programs[name].program ?? name),
  );
  const found = new Map();
  // The first round warms the caches and does not count.
  for (let run = values.quick ? 1 : 0; run <= runs; run++) {
    for (const name of names) {
      const { push = programs.ocilot.push, pull } = programs[name];
      // A registry of its own: skopeo remembers where it has seen a blob and mounts it from there.
      registry = await startRegistry(mkdtempSync(join(work, "registry-")));
      const { host } = registry;
      const there = `${host}/bench/${found.size}-${run}-${name.replaceAll(/[^a-z]+/g, "-")}-${Math.random().toString(36).slice(2, 8)}`;
      const target = join(work, `pulled-${run}`);
      const steps = [
        ["push", push(input(name), there)],
        ["push again", push(input(name), there)],
        ["pull", pull(there, target)],
        ["pull again", pull(there, target)],
      ];
      for (const [job, command] of steps) {
        const result = await measured(command);
        if (run === 0 || (programs[name].push === undefined && job.startsWith("push"))) continue;
        const key = `${job} ${name}`;
        found.set(key, [...(found.get(key) ?? []), { job, name, ...result }]);
      }
      if (needsReferrers) checkReferrers(target);
      rmSync(target, { recursive: true, force: true });
      await registry.stop();
      rmSync(registry.directory, { recursive: true, force: true });
    }
    process.stderr.write(`${group}: round ${run} of ${runs}\n`);
  }
  for (const results of found.values()) {
    const of = (key) => median(results.map((r) => r[key]));
    const [{ job, name, kinds }] = results;
    rows.push({
      group,
      job,
      name,
      ms: of("ms"),
      cpu: of("cpu"),
      mb: Math.max(...results.map((r) => r.mb)),
      requests: of("requests"),
      kinds,
    });
  }
}

/** Nothing counts that did not bring all referrers. */
function checkReferrers(layout) {
  const listed = spawnSync(node, [ocilot, "referrers", `${layout}:v0`, "--json", "--scan"], { encoding: "utf8", maxBuffer: 1 << 28 });
  const found = listed.stdout.match(/application\/vnd\.example\.sbom/g)?.length ?? 0;
  if (found < count) throw new Error(`${layout} has ${found} of ${count} referrers`);
}

/** Runs a command as a whole process; the requests are those that the registry logged meanwhile. */
async function measured(command) {
  const before = registry.requests().length;
  const report = join(work, "time");
  const timed = existsSync("/usr/bin/time") ? ["/usr/bin/time", "-o", report, "-f", "%U %S %M", ...command] : command;
  const started = process.hrtime.bigint();
  const child = spawn(timed[0], timed.slice(1), { stdio: ["ignore", "ignore", "pipe"] });
  const errors = [];
  child.stderr.on("data", (chunk) => errors.push(chunk));
  const [status] = await once(child, "close");
  const ms = Number(process.hrtime.bigint() - started) / 1e6;
  if (status !== 0) throw new Error(`${command.join(" ")}: exit ${status}: ${Buffer.concat(errors).toString().slice(-2000)}`);
  const [user, system, kilobytes] = existsSync(report)
    ? readFileSync(report, "utf8").trim().split("\n").at(-1).split(" ").map(Number)
    : [0, 0, 0];
  await new Promise((resolve) => setTimeout(resolve, 50));
  const lines = registry.requests().slice(before);
  const kinds = {};
  for (const line of lines) kinds[kindOf(line)] = (kinds[kindOf(line)] ?? 0) + 1;
  return { ms, cpu: user + system, mb: kilobytes / 1024, requests: lines.length, kinds };
}

function kindOf(line) {
  const [, method, path, status] = /"([A-Z]+) (\S+) HTTP\/[\d.]+" (\d+)/.exec(line);
  const kind = /\/(manifests|blobs\/uploads|blobs|referrers|tags)\//.exec(path)?.[1] ?? "ping";
  return `${method} ${kind}${status === "404" ? " 404" : ""}`;
}

async function startRegistry(directory) {
  const address = `127.0.0.1:${await freePort()}`;
  const config = join(directory, "registry.yml");
  const log = join(directory, "access.log");
  writeFileSync(
    config,
    [
      "version: 0.1",
      "log: { accesslog: { disabled: false }, level: error }",
      `storage: { filesystem: { rootdirectory: ${JSON.stringify(join(directory, "storage"))} } }`,
      `http: { addr: ${JSON.stringify(address)} }`,
      "",
    ].join("\n"),
  );
  const file = openSync(log, "w");
  const child = spawn("docker-registry", ["serve", config], { stdio: ["ignore", file, file] });
  closeSync(file);
  for (let tries = 0; !(await accepts(address)); tries++) {
    if (tries === 200 || child.exitCode !== null)
      throw new Error(`docker-registry does not answer: ${readFileSync(log, "utf8").slice(-2000)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    host: address,
    directory,
    requests: () =>
      readFileSync(log, "utf8")
        .split("\n")
        .filter((line) => / HTTP\/\d\.\d" \d+ /.test(line)),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill();
      await once(child, "exit");
    },
  };
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  return port;
}

async function accepts(address) {
  const [name, port] = address.split(":");
  const socket = connect({ host: name, port: Number(port) });
  const isUp = await once(socket, "connect").then(
    () => true,
    () => false,
  );
  socket.destroy();
  return isUp;
}

function regctlCall() {
  return [regctl, "--host", `reg=${registry.host},tls=disabled`, "image", "copy"];
}

function isPresent(name) {
  if (name.startsWith("ocilot")) return true;
  return name.includes("/") ? existsSync(name) : spawnSync("which", [name]).status === 0;
}

function versions() {
  const ask = (program, ...args) => spawnSync(program, args, { encoding: "utf8" }).stdout?.match(/\d+\.\d+\.\d+\S*/)?.[0];
  return [
    ["ocilot", ask(node, ocilot, "--version")],
    ["node", process.version],
    ["oras", ask("oras", "version")],
    ["regctl", ask(regctl, "version")],
    ["skopeo", ask("skopeo", "--version")],
    ["crane", ask("crane", "version")],
    ["docker-registry", ask("docker-registry", "--version")],
  ].filter(([, version]) => version);
}
