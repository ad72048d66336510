import { spawn, spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { LIMITS } from "../limits.js";

/** The real programs of these tests. */
export const TOOL_NAMES = [
  "oras",
  "notation",
  "cosign",
  "crane",
  "skopeo",
  "umoci",
  "podman",
  "containerd",
  "ctr",
  "docker-registry",
] as const;
export type ToolName = (typeof TOOL_NAMES)[number];

export const INSTALL = "test/tools/install.sh";
/** The variable that names the directory for everything that the run writes. */
export const PLACE = "OCILOT_INTEROP_PLACE";

const TOOLS = process.env.OCILOT_TOOLS ?? join(homedir(), ".cache", "ocilot-tools");

/** Where a program is: what install.sh unpacked comes before what is on the PATH. */
export function locate(name: ToolName): string | undefined {
  const directories = [join(TOOLS, "bin"), ...(process.env.PATH ?? "").split(delimiter)];
  return directories.map((directory) => join(directory, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** As install.sh noted it (crane does not know its own), else as the program says. */
export function versionOf(name: ToolName): string {
  const path = locate(name);
  if (path === undefined) return "absent";
  const stamp = join(TOOLS, "installed");
  const noted = existsSync(stamp) ? readFileSync(stamp, "utf8").split("\n") : [];
  const line = noted.find((l) => l.startsWith(`${name} `) && l.endsWith(` ${path}`));
  const said = line ?? ["version", "--version"].map((arg) => spawnSync(path, [arg], { encoding: "utf8" }).stdout).join("\n");
  return /\d+\.\d+(\.\d+)?/.exec(said)?.[0] ?? "unknown";
}

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a program to its end, away from the user's own configuration. Never fails for what the program answers. */
export async function run(name: ToolName, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return await runProgram(locate(name) ?? name, args, options);
}

/** As {@link run}, for a program by its path. */
export async function runProgram(path: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return await new Promise((resolve, reject) => {
    const child = spawn(path, args, {
      cwd: options.cwd ?? place(),
      env: { ...environment(), ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: LIMITS.testTimeout,
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code: code ?? 1, stdout, stderr: signal === null ? stderr : `${stderr}\n${signal}` }));
  });
}

/** As {@link run}, but what the program printed; it has to succeed. */
export async function must(name: ToolName, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await run(name, args, options);
  if (code !== 0) throw new Error(`${name} ${args.join(" ")}: exit ${code}\n${stderr}${stdout}`);
  return stdout;
}

/** The directory for everything that the run writes; setup.ts makes it, and removes it at the end. */
export function place(): string {
  const path = process.env[PLACE];
  if (path === undefined) throw new Error("run these tests with `npm run interop`");
  return path;
}

/** No key, credential or setting of the user's is read or written; there are no passwords to ask for. */
export function environment(): NodeJS.ProcessEnv {
  const home = place();
  return {
    PATH: process.env.PATH,
    HOME: home,
    TMPDIR: home,
    XDG_CONFIG_HOME: join(home, "config"),
    XDG_DATA_HOME: join(home, "data"),
    XDG_RUNTIME_DIR: home,
    DOCKER_CONFIG: join(home, "docker"),
    COSIGN_PASSWORD: "",
    NOTATION_EXPERIMENTAL: "1",
    NO_PROXY: "127.0.0.1",
    no_proxy: "127.0.0.1",
  };
}
