import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestRegistry, startTestRegistry } from "@ocilot/testkit";
import { ROOT } from "./blocks.js";

/** Registries that pages name; each is one that the test starts. */
const HOSTS = ["registry.example", "site.example", "registry.local"] as const;

/** What a shell printed and how it ended. */
export interface Printed {
  readonly code: number;
  /** Standard output and standard error, as a terminal shows them. */
  readonly text: string;
}

/** A directory of its own with the built ocilot on PATH, and registries in the place of those that pages name. */
export class Shell {
  readonly home: string = mkdtempSync(join(tmpdir(), "ocilot-docs-"));
  readonly work: string = join(this.home, "work");
  readonly #registries = new Map<string, TestRegistry>();
  readonly #env: NodeJS.ProcessEnv;
  #last = 0;

  constructor(env: Readonly<Record<string, string>> = {}) {
    for (const name of ["bin", "work"]) mkdirSync(join(this.home, name));
    const script = `#!/bin/sh\nexec ${JSON.stringify(process.execPath)} ${JSON.stringify(join(ROOT, "packages/cli/dist/ocilot.js"))} "$@"\n`;
    this.addProgram("ocilot", script);
    this.#env = {
      PATH: `${join(this.home, "bin")}:${process.env["PATH"]}`,
      HOME: this.home,
      LC_ALL: "C.UTF-8",
      FIXTURES: join(ROOT, "fixtures"),
      ...env,
    };
  }

  addProgram(name: string, script: string): void {
    const path = join(this.home, "bin", name);
    writeFileSync(path, script);
    chmodSync(path, 0o755);
  }

  /** Runs a command of bash; `$?` in it is the exit code of the one before. */
  async run(command: string): Promise<Printed> {
    const hosts = await this.#hosts(command);
    const text = hosts.reduce((all, [name, host]) => all.replaceAll(name, host), command);
    const child = spawn("bash", ["-c", `exec 2>&1; (exit ${this.#last}); ${text}`], {
      cwd: this.work,
      env: this.#env,
      stdio: ["ignore", "pipe", "ignore"],
    });
    let printed = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => (printed += chunk));
    const [code] = (await once(child, "close")) as [number | null];
    this.#last = code ?? 1;
    return { code: this.#last, text: hosts.reduce((all, [name, host]) => all.replaceAll(host, name), printed) };
  }

  async #hosts(command: string): Promise<[name: string, host: string][]> {
    for (const name of HOSTS)
      if (command.includes(name) && !this.#registries.has(name)) this.#registries.set(name, await startTestRegistry());
    return [...this.#registries].map(([name, { host }]) => [name, host]);
  }

  async close(): Promise<void> {
    for (const registry of this.#registries.values()) await registry.close();
    rmSync(this.home, { recursive: true, force: true });
  }
}
