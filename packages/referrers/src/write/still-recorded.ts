import { isUnlisted } from "../graph/edge.js";
import type { Digest, IndexSnapshot, Layout } from "@ocilot/layout/web";
import { readGraph } from "../conventions/read-graph.js";
import { viewOfSubject } from "../records/subject-view.js";
import { detachedDigests } from "../view/detached.js";
import { openView } from "../view/open-view.js";
import { sleep } from "./sleep.js";

/** Milliseconds between two looks at `index.json`. */
const INTERVAL_MS = 25;

/**
 * Tells whether a referrer is still recorded after `written` became `index.json`. A program that takes no lock, such as oras,
 * may replace the file by one that it had read before. What is there after the next write by another program decides; without
 * one, what is there after `patience`. A referrer that was detached meanwhile counts as recorded.
 * @param patience milliseconds
 */
export async function isStillRecorded(
  layout: Layout,
  written: IndexSnapshot,
  { referrer, subject }: { readonly referrer: Digest; readonly subject: Digest },
  patience: number,
): Promise<boolean> {
  const deadline = Date.now() + patience;
  for (;;) {
    const snapshot = await layout.index.read();
    if (snapshot.digest !== written.digest) return await isRecorded(layout, snapshot, referrer, subject);
    if (Date.now() >= deadline) return true;
    await sleep(INTERVAL_MS);
  }
}

async function isRecorded(layout: Layout, snapshot: IndexSnapshot, referrer: Digest, subject: Digest): Promise<boolean> {
  if (detachedDigests(snapshot.annotations).has(referrer) || !(await layout.blobs.has(referrer))) return true;
  const view = await openView(layout, { snapshot });
  const graph = await readGraph(viewOfSubject(view, subject));
  return graph.of(subject).some((e) => e.referrer.digest === referrer && !isUnlisted(e));
}
