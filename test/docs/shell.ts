import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestRegistry, type TestRegistryOptions, basicAuthorize, startTestRegistry } from "@ocilot/testkit";
import { ROOT } from "./blocks.js";

/** Registries that pages name; each is one that the test starts. */
const HOSTS: Readonly<Record<string, TestRegistryOptions>> = {
  "registry.example": {},
  "site.example": {},
  "registry.local": {},
  "ghcr.io": { quirks: { authorize: basicAuthorize({ me: "secret" }) } },
};

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
  /** Those that a command has named, by that name. */
  readonly registries: Map<string, TestRegistry> = new Map();
  readonly env: NodeJS.ProcessEnv;
  #last = 0;

  constructor(env: Readonly<Record<string, string>> = {}) {
    for (const name of ["bin", "work"]) mkdirSync(join(this.home, name));
    const script = `#!/bin/sh\nexec ${JSON.stringify(process.execPath)} ${JSON.stringify(join(ROOT, "packages/cli/dist/ocilot.js"))} "$@"\n`;
    this.addProgram("ocilot", script);
    this.env = {
      PATH: `${join(this.home, "bin")}:${process.env["PATH"]}`,
      HOME: this.home,
      // Also where a command sets HOME, code that Node has compiled stays out of what is compared.
      XDG_CACHE_HOME: join(this.home, "cache"),
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
    const text = await this.named(command);
    const child = spawn("bash", ["-c", `exec 2>&1; (exit ${this.#last}); ${text}`], {
      cwd: this.work,
      env: this.env,
      stdio: ["ignore", "pipe", "ignore"],
    });
    let printed = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => (printed += chunk));
    const [code] = (await once(child, "close")) as [number | null];
    this.#last = code ?? 1;
    return { code: this.#last, text: this.unnamed(printed) };
  }

  /** Starts the registries that a text names; returns it with their addresses in the place of the names. */
  async named(text: string): Promise<string> {
    for (const [name, options] of Object.entries(HOSTS))
      if (text.includes(name) && !this.registries.has(name)) this.registries.set(name, await startTestRegistry(options));
    return [...this.registries].reduce((all, [name, { host }]) => all.replaceAll(name, host), text);
  }

  /** Returns a text with the names of registries in the place of their addresses. */
  unnamed(text: string): string {
    return [...this.registries].reduce((all, [name, { host }]) => all.replaceAll(host, name), text);
  }

  async close(): Promise<void> {
    for (const registry of this.registries.values()) await registry.close();
    rmSync(this.home, { recursive: true, force: true });
  }
}
