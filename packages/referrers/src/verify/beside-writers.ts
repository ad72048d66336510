import { type Digest, type IndexSnapshot, type Layout, isOcilotError } from "@ocilot/layout";
import type { Content } from "./blob-content.js";
import { type LayoutFile, listFiles } from "./file-findings.js";
import type { Finding } from "./finding.js";
import { gather } from "./gather-evidence.js";
import { judge } from "./judge-evidence.js";
import type { VerifyEvidence, VerifyOptions } from "./evidence.js";

/** A layout and what is to be reported of it. */
export interface Judgement {
  readonly evidence: VerifyEvidence;
  readonly findings: readonly Finding[];
}

/** Looks at new snapshots before the lock is asked for. */
const MAX_SNAPSHOTS = 5;
/** Milliseconds to wait for a writer that holds the lock. */
const LOCK_WAIT_MS = 30_000;
/** A blob that was stored within this time, in milliseconds, may belong to a writer that is not done. */
const RECENT_MS = 60_000;

/**
 * Judges a layout that other programs may be writing. Something wrong is reported only if `index.json` did not change during the
 * look; while it does, or where a blob involved has just been stored, the look is repeated, in the end under the layout's lock.
 * What is whole is hashed once. A layout that cannot be locked (read-only, an archive) is judged as it was seen last.
 * @throws OcilotError what {@link gather} throws
 */
export async function judgeBesideWriters(layout: Layout, options: VerifyOptions): Promise<Judgement> {
  const known = new Map<Digest, Content>();
  let judgement = await look(await layout.index.read(), await filesOf(layout));
  for (let i = 1; i < MAX_SNAPSHOTS && isWrong(judgement); i++) {
    const snapshot = await layout.index.read();
    if (snapshot.digest === judgement.evidence.snapshot.digest) {
      if (!(await isRecent(layout, judgement))) return judgement;
      break;
    }
    judgement = await look(snapshot, await filesOf(layout));
  }
  return isWrong(judgement) ? await lookLocked() : judgement;

  async function look(snapshot: IndexSnapshot, files: readonly LayoutFile[]): Promise<Judgement> {
    const evidence = await gather(layout, snapshot, options, known);
    for (const [digest, content] of evidence.contents) known.set(digest, content);
    return { evidence, findings: await judge(layout, evidence, files, options) };
  }

  async function lookLocked(): Promise<Judgement> {
    let locked: Judgement | undefined;
    // Without the lock that is taken here.
    const files = await filesOf(layout);
    try {
      const { signal } = options;
      const update = async (snapshot: IndexSnapshot): Promise<readonly never[]> => {
        locked = await look(snapshot, files);
        return [];
      };
      await layout.index.update(update, { wait: LOCK_WAIT_MS, ...(signal && { signal }) });
    } catch (error) {
      if (!isOcilotError(error) || error.code === "ABORTED") throw error;
    }
    return locked ?? judgement;
  }
}

async function filesOf(layout: Layout): Promise<readonly LayoutFile[]> {
  return (await listFiles(layout.location)) ?? [];
}

/** Returns whether there are findings that a writer who is not done can cause. */
function isWrong({ findings }: Judgement): boolean {
  return findings.some((f) => f.severity === "error" || f.code === "RECORD_STALE" || f.code === "RECORD_CONFLICT");
}

/** Returns whether a referrer that no record lists has just been stored: `attach` stores it before it lists it. */
async function isRecent(layout: Layout, { findings }: Judgement): Promise<boolean> {
  const unlisted = new Set(findings.flatMap((f) => (f.code === "REFERRER_UNLISTED" ? (f.digest ?? []) : [])));
  if (unlisted.size === 0) return false;
  const now = (await layout.blobs.now?.()) ?? Date.now();
  for await (const { digest, modified } of layout.blobs.list()) if (unlisted.has(digest) && now - modified < RECENT_MS) return true;
  return false;
}
