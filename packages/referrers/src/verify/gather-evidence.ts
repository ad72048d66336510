import { type Descriptor, type Digest, type IndexEntry, type IndexSnapshot, type Layout, resolveReference } from "@ocilot/layout";
import { readGraph } from "../conventions/read-graph.js";
import { openReferrers } from "../evidence/open-referrers.js";
import type { ManifestNode } from "../view/layout-view.js";
import { openView } from "../view/open-view.js";
import { type Content, checkContent } from "./blob-content.js";
import { findContent } from "./find-content.js";
import { takeInventory } from "./blob-uses.js";
import type { VerifyEvidence, VerifyOptions } from "./evidence.js";

/**
 * Looks at a layout as one snapshot of `index.json` describes it, and hashes what is referenced.
 * @param known content that was found whole before; it is not hashed again
 * @throws OcilotError `REF_NOT_FOUND`, `REF_AMBIGUOUS`, `ABORTED`, and what reading `index.json` throws
 */
export async function gather(
  layout: Layout,
  snapshot: IndexSnapshot,
  options: VerifyOptions,
  known: ReadonlyMap<Digest, Content>,
): Promise<VerifyEvidence> {
  const { references, signal } = options;
  const view = await openView(layout, { scan: true, snapshot, ...(signal && { signal }) });
  const graph = await readGraph(view);
  const isWhole = references === undefined;
  const entries = isWhole ? snapshot.entries : await entriesOf(layout, snapshot, references);
  const inventory = await takeInventory(layout, view, graph, { entries, isWhole, signal });
  const contents = new Map<Digest, Content>();
  for (const { descriptor, node } of inventory.uses) {
    const content = known.get(descriptor.digest) ?? openedContent(descriptor, node);
    if (content?.state === "whole") contents.set(descriptor.digest, content);
  }
  const unknown = new Set(inventory.uses.map((u) => u.descriptor.digest).filter((digest) => !contents.has(digest)));
  const found =
    options.content === "presence"
      ? await findContent(
          layout,
          inventory.uses.map((u) => u.descriptor),
          signal,
        )
      : await checkContent(layout, unknown, options);
  for (const [digest, content] of found) contents.set(digest, content);
  const statements = await openReferrers(view, inventory.edges, layout.blobs, { signal });
  return { snapshot, entries, view, graph, inventory, contents, statements };
}

/** A manifest that the view has read was hashed then, unless its descriptor embeds it: then the blob may be missing. */
function openedContent({ size, data }: Descriptor, node: ManifestNode): Content | undefined {
  return node.state === "read" && data === undefined ? { state: "whole", size } : undefined;
}

/** The entries that references name; a digest without an entry becomes one for this verification. */
async function entriesOf(layout: Layout, snapshot: IndexSnapshot, references: readonly string[]): Promise<IndexEntry[]> {
  const found: IndexEntry[] = [];
  for (const reference of references) {
    const descriptor = await resolveReference(snapshot, layout.blobs, reference);
    const entry = snapshot.entries.find((e) => e.descriptor === descriptor) ?? { position: -1, descriptor };
    if (!found.includes(entry)) found.push(entry);
  }
  return found;
}
