// Runs the unit tests and a smoke test of the built command line on several versions of Node, and the smoke test on Deno and Bun.
//   npm run nodes                              everything
//   npm run nodes -- --smoke                   no unit tests
//   npm run nodes -- 22 26                     these runtimes: a version of Node, `deno`, `bun`
//   npm run nodes -- 22 26 packages/layout     unit tests of one package or file
// The runtimes come from npm (packages node, deno, bun) into a folder that is removed in the end. Exit code 1 if anything failed.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { KNOWN, differences, smoke } from "./smoke.mjs";

const ALL = ["20.19", "22", "24", "26", "deno", "bun"];
const root = fileURLToPath(new URL("..", import.meta.url));
const argv = process.argv.slice(2);
const isRuntime = (arg) => /^\d+(?:\.\d+)*$/.test(arg) || arg === "deno" || arg === "bun";
const isSmokeOnly = argv.includes("--smoke");
const named = argv.filter(isRuntime);
const runtimes = named.length > 0 ? named : ALL;
const paths = argv.filter((arg) => arg !== "--smoke" && !isRuntime(arg));
const folder = mkdtempSync(join(tmpdir(), "ocilot-nodes-"));

/** Installs a runtime. Returns its command and its version. */
function install(runtime) {
  const isNode = /^\d/.test(runtime);
  const place = join(folder, runtime);
  mkdirSync(place);
  writeFileSync(join(place, "package.json"), "{}");
  const wanted = isNode ? `node@${runtime}` : runtime;
  execFileSync("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error", wanted], {
    cwd: place,
    stdio: ["ignore", "ignore", "inherit"],
    shell: process.platform === "win32",
  });
  const file = join(
    place,
    "node_modules",
    isNode ? "node" : runtime,
    isNode ? "bin" : "",
    process.platform === "win32" ? `${isNode ? "node" : runtime}.exe` : isNode ? "node" : runtime,
  );
  const program = existsSync(file) ? file : join(place, "node_modules/.bin", isNode ? "node" : runtime);
  const version = /\d+\.\d+\.\d+/.exec(execFileSync(program, ["--version"], { encoding: "utf8" }))?.[0];
  return { isNode, version, command: runtime === "deno" ? [program, "run", "--allow-all", "--no-prompt"] : [program] };
}

/** Runs the unit tests. Returns counts; what failed is printed. */
function unitTests([node]) {
  const report = join(folder, "report.json");
  rmSync(report, { force: true });
  const vitest = [join(root, "node_modules/vitest/vitest.mjs"), "run", "--reporter=json", `--outputFile=${report}`];
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` };
  const { stderr } = spawnSync(node, [...vitest, ...(paths.length > 0 ? paths : ["packages/"])], {
    cwd: root,
    env,
    encoding: "utf8",
    maxBuffer: 1 << 30,
  });
  if (!existsSync(report)) return { passed: 0, failed: 1, failures: [stderr] };
  const { numPassedTests, testResults } = JSON.parse(readFileSync(report, "utf8"));
  const failures = testResults.flatMap(({ name, status, message, assertionResults }) => {
    const failed = assertionResults.filter((test) => test.status === "failed");
    // A file that cannot be loaded, or whose hook failed, has no failed test.
    if (status === "failed" && failed.length === 0) return [`${name}: ${message}`];
    return failed.map((test) => `${name}: ${test.fullName}\n${test.failureMessages.join("\n")}`);
  });
  return { passed: numPassedTests, failed: failures.length, failures };
}

const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`;
const rows = [["runtime", "version", "smoke", "time", "unit tests", "time"]];
let failed = 0;

function judge(runtime, failures) {
  failed += failures.length;
  for (const failure of failures) process.stderr.write(`${runtime}: ${failure}\n`);
}

try {
  const expected = await smoke([process.execPath]);
  const broken = expected.filter(({ code }) => code !== 0 && code !== 7);
  if (broken.length > 0) throw new Error(`the command line fails under this Node already: ${JSON.stringify(broken[0])}`);
  for (const runtime of runtimes) {
    const { isNode, version, command } = install(runtime);
    const before = performance.now();
    const results = await smoke(command);
    const different = differences(results, expected, runtime);
    judge(runtime, different);
    const row = [
      isNode ? "Node" : runtime,
      version,
      `${results.length - different.length - (KNOWN[runtime]?.length ?? 0)} of ${results.length}`,
      seconds(before),
    ];
    if (!isSmokeOnly && isNode) {
      const start = performance.now();
      const { passed, failures } = unitTests(command);
      judge(runtime, failures);
      row.push(`${passed} passed, ${failures.length} failed`, seconds(start));
    } else row.push("-", "-");
    rows.push(row);
    process.stderr.write(`${row.join("  ")}\n`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
for (const row of rows)
  console.log(
    row
      .map((cell, i) => cell.padEnd(widths[i]))
      .join("  ")
      .trimEnd(),
  );
process.exitCode = failed === 0 ? 0 : 1;
