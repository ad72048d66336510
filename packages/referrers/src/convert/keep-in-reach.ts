import { bareDescriptor } from "@ocilot/layout/spec";
import type { IndexChange } from "../convention.js";
import type { IndexDraft } from "../index-draft.js";
import { findLists } from "../lists.js";
import type { LayoutView } from "../view.js";

/**
 * A list that is brought up to date loses the lines that were wrong. What only such a line led to gets an entry of its
 * own: it is no referrer, but a collector would eat it.
 */
export async function keepInReach(before: LayoutView, draft: IndexDraft): Promise<void> {
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
