import { readFile, rm, stat } from "node:fs/promises";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Descriptor, isRecord } from "@ocilot/layout/spec";
import type { RepositoryClient } from "../client/types.js";
import type { Environment } from "../environment.js";
import { nameFor, runtimeDirectory } from "./runtime-directory.js";

/** Below this an upload is quicker done anew than asked for. */
const MIN_BYTES = 1 << 20;
/** Registries end a session that nobody uses; after so long nothing is left to go on with. */
const MAX_AGE_MS = 24 * 3600 * 1000;

type Place = Pick<RepositoryClient, "host" | "repository">;

/**
 * The addresses of uploads under way, in files of this user's alone: a session's address may hold a secret. Where a process is killed in the
 * middle of an upload, the next one can go on from what the registry has. A crash leaves a file that is used once more or grows old.
 */
export class UploadSessions {
  readonly #directory: string | undefined;

  constructor(env: Environment) {
    this.#directory = runtimeDirectory("uploads", env);
  }

  /** The session of an earlier process for this blob, if there is one that is not too old. */
  async find(place: Place, d: Descriptor): Promise<string | undefined> {
    const path = this.#path(place, d);
    if (path === undefined) return undefined;
    try {
      if (Date.now() - (await stat(path)).mtimeMs > MAX_AGE_MS) return undefined;
      const found: unknown = JSON.parse(await readFile(path, "utf8"));
      if (!isRecord(found) || found["digest"] !== d.digest || found["size"] !== d.size || isRunning(found["pid"])) return undefined;
      return typeof found["session"] === "string" ? found["session"] : undefined;
    } catch {
      return undefined;
    }
  }

  note(place: Place, d: Descriptor, session: string): void {
    const path = this.#path(place, d);
    if (path === undefined) return;
    try {
      writeFileSync(path, JSON.stringify({ digest: d.digest, size: d.size, pid: process.pid, session }), { mode: 0o600 });
    } catch {
      // Then the blob starts over after a crash.
    }
  }

  async finish(place: Place, d: Descriptor): Promise<void> {
    const path = this.#path(place, d);
    if (path !== undefined) await rm(path, { force: true }).catch(() => undefined);
  }

  #path({ host, repository }: Place, d: Descriptor): string | undefined {
    if (this.#directory === undefined || d.size < MIN_BYTES) return undefined;
    return join(this.#directory, nameFor(host, repository, d.digest));
  }
}

/** A session that another process is using is not this one's. */
function isRunning(pid: unknown): boolean {
  if (typeof pid !== "number" || !Number.isSafeInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
