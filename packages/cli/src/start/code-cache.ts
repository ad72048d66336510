import { createHash } from "node:crypto";
import { existsSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What is kept between the runs of one command: for each chunk of the program, the bytecode that V8 made of it. */
export interface CodeCache {
  /** Returns the bytecode kept for a chunk, or undefined if there is none from this build and this Node. */
  read(chunk: string): Buffer | undefined;
  /** Keeps bytecode. Another process sees the old file or the new one. Throws nothing: the next run then compiles again. */
  write(chunk: string, code: Buffer): void;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** `core-B_q0y37u.js`: a name and a hash of the content. */
const CHUNK = /^([\w-]+)-[\w-]{8}\.js$/;
const DIGEST_BYTES = 32;

/**
 * Returns the cache of a command, or undefined where there can be none. It is in `ocilot/` of the user's cache directory (`XDG_CACHE_HOME`,
 * `~/.cache`; on Windows `LOCALAPPDATA`) and never in a directory for temporary files: bytecode is run as it stands, so nobody
 * else may be able to put a file there. A directory that belongs to another user (as under `sudo` with the caller's `HOME`) or that others
 * can write to is not used. `NODE_DISABLE_COMPILE_CACHE`, which turns off Node's own cache, turns off this one too.
 */
export function openCodeCache(command: string, env: Environment): CodeCache | undefined {
  if (env["NODE_DISABLE_COMPILE_CACHE"] || env["NODE_V8_COVERAGE"] || !/^[a-z_]{1,32}$/.test(command)) return undefined;
  const home = env["XDG_CACHE_HOME"] || env["LOCALAPPDATA"] || (env["HOME"] && join(env["HOME"], ".cache"));
  if (!home) return undefined;
  const directory = join(home, "ocilot");
  // The hash is left out of the name, so that the files of an earlier build are replaced and do not pile up.
  const pathOf = (chunk: string): string =>
    join(directory, `${command}.${CHUNK.exec(chunk)?.[1]}.node${process.versions.node.split(".")[0]}`);
  return {
    read(chunk) {
      try {
        if (!CHUNK.test(chunk) || !isPrivate(directory)) return undefined;
        const file = readFileSync(pathOf(chunk));
        const code = file.subarray(DIGEST_BYTES);
        return file.subarray(0, DIGEST_BYTES).equals(digestOf(chunk, code)) ? code : undefined;
      } catch {
        return undefined;
      }
    },
    write(chunk, code) {
      const path = pathOf(chunk);
      const temp = `${path}.${process.pid}`;
      try {
        if (!CHUNK.test(chunk)) return;
        // One level at a time: a recursive call of Node's never returns from a place such as /proc.
        for (const missing of [home, directory]) if (!existsSync(missing)) mkdirSync(missing, { mode: 0o700 });
        if (!isPrivate(directory)) return;
        try {
          writeFileSync(temp, Buffer.concat([digestOf(chunk, code), code]), { flag: "wx", mode: 0o600 });
          renameSync(temp, path);
        } catch {
          rmSync(temp, { force: true });
        }
      } catch {
        // A home that cannot be written to: there is no cache.
      }
    },
  };
}

/** V8 checks that bytecode is of its own version and of a source of this length; that it is undamaged and of this very source, this digest tells. */
function digestOf(chunk: string, code: Buffer): Buffer {
  return createHash("sha256").update(`${chunk} ${process.version} ${process.arch}\n`).update(code).digest();
}

function isPrivate(directory: string): boolean {
  const { uid, mode } = lstatSync(directory);
  const me = process.geteuid?.();
  return me === undefined || (uid === me && (mode & 0o022) === 0);
}
