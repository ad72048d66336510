import { join } from "node:path";
import { OcilotError } from "../errors.js";
import { shellWord } from "../filesystem/shell-word.js";
import { hostId } from "../filesystem/temp-file.js";
import { BUILDKIT_LOCK } from "./buildkit-lock.js";
import { type Owner, isOwnerOf } from "./lock-owner.js";

/** How often the holder of a lock renews it, in milliseconds. */
export const HEARTBEAT_MS = 10_000;
/** After this long without a renewal an owner on another host counts as dead, in milliseconds. */
export const STALE_MS = 60_000;

/** The file that prevents taking the lock, and who made it. */
export interface Blocker {
  readonly file: string;
  readonly owner?: Owner;
}

/** Returns the error for a lock that somebody else holds. */
export function busy(root: string, blocker: Blocker): OcilotError<"LOCK_BUSY"> {
  const { file, owner } = blocker;
  const who = owner === undefined || owner.pid === 0 ? undefined : `process ${owner.pid} on ${hostName(owner)}`;
  return new OcilotError(
    "LOCK_BUSY",
    `${file}: ${who ?? "another program"} is writing to this layout`,
    { file, ...(who !== undefined && { owner: who }) },
    {
      hint: hintFor(root, blocker),
    },
  );
}

function hostName(owner: Owner): string {
  return owner.host.startsWith("#") ? (isOwnerOf(hostId(), owner) ? hostId().split(" ")[0]! : "another host") : owner.host.split(" ")[0]!;
}

function hintFor(root: string, { file, owner }: Blocker): string {
  const path = shellWord(join(root, file));
  if (file === BUILDKIT_LOCK) {
    return `BuildKit keeps this file while it writes. If no build is running, a crash left it: remove it with: rm ${path}`;
  }
  if (owner?.pid === 0) return `The file does not say who made it. If no ocilot is running here, remove it with: rm ${path}`;
  if (owner !== undefined && !isOwnerOf(hostId(), owner)) {
    return (
      `Give more time with --wait. A process that runs renews the file every ${HEARTBEAT_MS / 1000} s, and ${STALE_MS / 1000} s without that ` +
      `it is taken over. If the process has ended on that host, remove the file with: rm ${path}`
    );
  }
  return "Wait for it to end, or give more time with --wait.";
}
