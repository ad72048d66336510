import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Digest } from "@ocilot/layout";

const PROGRAM = join(process.env["OCILOT_TOOLS"] ?? join(homedir(), ".cache", "ocilot-tools"), "bin", "oras");
const run = promisify(execFile);

/** Whether the real oras is installed (test/tools/install.sh); in CI it must be. */
export const HAS_ORAS: boolean = existsSync(PROGRAM);

if (!HAS_ORAS) {
  if (process.env["CI"] === "true") throw new Error(`oras is not installed: ${PROGRAM}`);
  process.stderr.write(`oras is not installed (${PROGRAM}); what it would find is not checked\n`);
}

/** Runs the real oras; returns what it printed. */
export async function oras(...args: readonly string[]): Promise<string> {
  return (await run(PROGRAM, args, { maxBuffer: 1 << 28, cwd: "/" })).stdout;
}

/** The referrers of a subject that the real oras finds, sorted. */
export async function orasReferrers(dir: string, subject: Digest): Promise<string[]> {
  const found: unknown = JSON.parse(await oras("discover", "--depth", "1", "--format", "json", "--oci-layout", `${dir}@${subject}`));
  const { referrers } = found as { referrers?: readonly { digest: string }[] | null };
  return (referrers ?? []).map((r) => r.digest).toSorted();
}
