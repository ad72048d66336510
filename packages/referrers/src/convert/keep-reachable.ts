import { bareDescriptor } from "@ocilot/layout/spec";
import type { IndexChange } from "../records/projection.js";
import type { IndexDraft } from "../records/index-draft.js";
import { findLists } from "../records/referrer-lists.js";
import type { LayoutView } from "../view/layout-view.js";

/**
 * Gives an own entry to each manifest that only a wrong line of a list referenced. Updating the list drops such a line,
 * and garbage collectors would then delete the manifest.
 */
export async function keepReachable(before: LayoutView, draft: IndexDraft): Promise<void> {
  const wrong = (await findLists(before)).records.flatMap((r) => r.lines.filter((l) => l.verdict === "stale").map((l) => l.node));
  if (wrong.length === 0) return;
  const reached = new Set((await draft.view().reach()).map((r) => r.node.descriptor.digest));
  const changes: IndexChange[] = [];
  for (const { state, descriptor } of wrong) {
    const { digest } = descriptor;
    if (state !== "read" || reached.has(digest)) continue;
    reached.add(digest);
    changes.push({ op: "add", key: { rank: "referrer", subject: digest, digest }, descriptor: bareDescriptor(descriptor) });
  }
  draft.apply({ changes, blobs: [] });
}
