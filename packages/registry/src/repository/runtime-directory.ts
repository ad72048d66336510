import { createHash } from "node:crypto";
import { chmodSync, lstatSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import type { Environment } from "../environment.js";
import { makeDirectory } from "@ocilot/layout";

/**
 * A directory of this user's alone for what several processes of ocilot have to agree on, made where it is not there: in
 * `$XDG_RUNTIME_DIR`, else among the temporary files. Undefined where there can be none: then they cannot agree, and no more than time is lost.
 */
export function runtimeDirectory(name: string, env: Environment): string | undefined {
  const runtime = env["XDG_RUNTIME_DIR"];
  const uid = process.getuid?.();
  const places = [...(runtime ? [join(runtime, "ocilot")] : []), join(tmpdir(), `ocilot-${uid ?? userTag()}`)];
  for (const place of places) {
    try {
      const path = join(place, name);
      makeDirectory(path, 0o700);
      // Somebody else may have made it first, to read what is put there.
      const { uid: owner, mode } = lstatSync(place);
      if (uid !== undefined && owner !== uid) continue;
      if ((mode & 0o077) !== 0) chmodSync(place, 0o700);
      if (lstatSync(place).isDirectory() && lstatSync(path).isDirectory()) return path;
    } catch {
      // The next place may do.
    }
  }
  return undefined;
}

/** A file name that stands for several words, which need not be fit for one. */
export function nameFor(...words: readonly string[]): string {
  return createHash("sha256").update(words.join("\n")).digest("hex").slice(0, 40);
}

function userTag(): string {
  try {
    return nameFor(userInfo().username).slice(0, 8);
  } catch {
    return "user";
  }
}
