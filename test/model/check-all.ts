import { Layout } from "@ocilot/layout";
import { type LayoutView, edgeKey, findConvention, openView, readGraph } from "@ocilot/referrers";
import { expect } from "vitest";
import { wholeBlobs } from "../crash/harness/state.js";
import type { BaseLayout } from "./base-layout.js";
import { type Oracle, edgesOf } from "./oracle.js";

/** The layout under test, and the blobs that were seen in it so far. */
export interface Reality extends BaseLayout {
  readonly seen: Set<string>;
}

const PARTS = ["oras", "regclient", "olareg", "containerd", "image-spec"] as const;
const REFERRERS_TAG = /^sha256-[0-9a-f]{64} /;

/** Compares a layout with what it should hold. */
export async function checkAll(oracle: Oracle, reality: Reality): Promise<void> {
  const layout = await Layout.open(reality.dir);
  const snapshot = await layout.index.read();
  for (const text of reality.foreign) expect(snapshot.text).toContain(text);
  const tags = snapshot.entries.flatMap((e) => (e.tag === undefined ? [] : [`${e.tag} ${e.descriptor.digest}`]));
  expect(tags.filter((t) => !REFERRERS_TAG.test(t)).toSorted()).toEqual([...oracle.tags].map(([k, v]) => `${k} ${v}`).toSorted());
  const view = await openView(layout, { snapshot });
  const edges = edgesOf(oracle);
  expect((await readGraph(view)).edges().map(edgeKey).toSorted()).toEqual(edges);
  if (!oracle.mayBePartial) for (const id of PARTS) await checkSpoken(view, id, edges);
  checkBlobs(oracle, reality);
}

/** Whatever way of recording a layout has, it has for all of its links. */
async function checkSpoken(view: LayoutView, id: (typeof PARTS)[number], edges: readonly string[]): Promise<void> {
  const convention = findConvention(id)!;
  if ((await convention.detect(view)).entries.length === 0) return;
  const stated = new Set<string>();
  for (const edge of await convention.read(view)) stated.add(edgeKey(edge));
  expect([...stated].toSorted(), id).toEqual(edges);
}

/** That each is what its name says is checked on the way; only a manifest that was detached may be gone. */
function checkBlobs(oracle: Oracle, { dir, seen }: Reality): void {
  const blobs = wholeBlobs(dir);
  const attached = new Set<string>(oracle.subjects.keys());
  for (const digest of attached) expect(blobs).toContain(digest);
  for (const { digest } of oracle.images) expect(blobs).toContain(digest);
  for (const digest of blobs) seen.add(digest);
}
