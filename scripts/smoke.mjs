// What the built command line and libraries do on fixtures, step by step, under a given runtime.
import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const program = join(root, "packages/cli/dist/ocilot.js");
const TIME_LIMIT_MS = 120_000;

/** Each step: its name and the arguments of ocilot; `ADDRESS` is that of a server which the same runtime runs. */
const STEPS = [
  ["referrers", "referrers", "oras", "--recursive", "--json"],
  // The second run of a command uses what the first has kept of it.
  ["referrers again", "referrers", "oras", "--recursive", "--json"],
  ["verify", "verify", "oras"],
  ["convert", "convert", "cosign-tags", "--to", "universal", "--output", "converted"],
  ["verify the copy", "verify", "converted"],
  ["copy to a tar", "copy", "--all", "oras", "packed.tar"],
  ["doctor of the tar", "doctor", "packed.tar", "--json"],
  ["copy from a registry", "copy", "docker://ADDRESS/app:v1", "pulled"],
  ["verify what was pulled", "verify", "pulled"],
];

const LIBRARIES = [
  ["the libraries", "library-smoke.mjs"],
  ["the libraries of the registry", "registry-smoke.mjs"],
];
/** What is known not to work, by runtime. Bun puts a module of its own in the place of undici; the command line has undici inside. */
export const KNOWN = { bun: ["the libraries of the registry"] };

/**
 * Runs the steps with `command` (the runtime and its arguments). Returns for each the exit code and what was printed, and of the tar and
 * the converted layout the digests: these are the same under every runtime.
 */
export async function smoke(command) {
  const directory = mkdtempSync(join(tmpdir(), "ocilot-smoke-"));
  const [runtime, ...before] = command;
  const options = { cwd: directory, env: { ...process.env, XDG_CACHE_HOME: join(directory, "cache"), NO_COLOR: "1" } };
  let server;
  try {
    for (const layout of ["oras", "cosign-tags"])
      cpSync(join(root, "fixtures/layouts", layout), join(directory, layout), { recursive: true });
    server = spawn(runtime, [...before, program, "serve", "oras", "--name", "app", "--addr", "127.0.0.1:0"], options);
    const address = await addressOf(server);
    const results = [];
    for (const [name, ...argv] of STEPS) {
      const answer = await run(
        runtime,
        [...before, program, ...argv.map((arg) => arg.replace("ADDRESS", address ?? "127.0.0.1:1"))],
        options,
      );
      results.push({ name, ...answer, stdout: address === undefined ? answer.stdout : answer.stdout.replaceAll(address, "ADDRESS") });
    }
    cpSync(join(directory, "oras"), join(directory, "library"), { recursive: true });
    for (const [name, script] of LIBRARIES) {
      const argv = [...before, join(root, "scripts", script), join(directory, "library")];
      results.push({ name, ...(await run(runtime, argv, options)) });
    }
    for (const file of ["packed.tar", "converted/index.json"])
      results.push({ name: `digest of ${file}`, code: 0, stdout: digestOf(join(directory, file)), stderr: "" });
    return results;
  } finally {
    if (server !== undefined && server.exitCode === null) {
      const ended = new Promise((resolve) => server.once("close", resolve));
      server.kill("SIGKILL");
      await ended;
    }
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Returns the names of the steps whose answer differs from the expected one, with what they said; also of those that are known to differ and do not. */
export function differences(results, expected, runtime = "node") {
  return results.flatMap(({ name, code, stdout, stderr }, i) => {
    const want = expected[i];
    const isKnown = KNOWN[runtime]?.includes(name) === true;
    if (code === want.code && stdout === want.stdout) return isKnown ? [`${name}: works by now; the pages say that it does not`] : [];
    if (isKnown) return [];
    return [`${name}: exit ${code}, expected ${want.code}\n${(stderr || stdout).slice(0, 2000)}`];
  });
}

function run(file, argv, options) {
  return new Promise((resolve) => {
    execFile(file, argv, { ...options, timeout: TIME_LIMIT_MS, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : (error.code ?? error.signal), stdout, stderr });
    });
  });
}

/** Returns where a server listens, or undefined if it ended or said nothing for too long. */
function addressOf(server) {
  return new Promise((resolve) => {
    let text = "";
    const listen = (piece) => {
      text += piece;
      const found = /127\.0\.0\.1:[1-9]\d*/.exec(text);
      if (found !== null) resolve(found[0]);
    };
    server.stdout.on("data", listen);
    server.stderr.on("data", listen);
    for (const event of ["error", "exit"]) server.once(event, () => resolve(undefined));
    setTimeout(() => resolve(undefined), TIME_LIMIT_MS).unref();
  });
}

function digestOf(path) {
  try {
    return createHash("sha256").update(readFileSync(path)).digest("hex");
  } catch (error) {
    return error.message;
  }
}
