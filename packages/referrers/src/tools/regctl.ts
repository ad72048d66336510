import type { Digest, IndexEntry } from "@ocilot/layout/spec";
import { groupBy } from "../graph/group-by.js";
import { perView } from "../view/per-view.js";
import type { ReaderTool } from "./reader-tool.js";
import { referrersTag } from "../records/referrers-tag.js";
import { type LayoutView, manifestOf } from "../view/layout-view.js";

/** `regctl artifact list`: the list under the referrers tag, and nothing else; its lines are not checked. */
export const regctlTool: ReaderTool = {
  id: "regctl",
  title: "regctl 0.11.5",
  finds: listed,
  traps: async () => [],
};

/** `regctl artifact list --slow-referrers`: opens each entry too, but no index, and it does not read ORAS artifact manifests. */
export const regctlSlowTool: ReaderTool = {
  id: "regctl-slow",
  title: "regctl 0.11.5 with --slow-referrers",

  async finds(view, subject) {
    return [...new Set([...(await listed(view, subject)), ...((await directReferrers(view)).get(subject) ?? [])])];
  },

  traps: async () => [],
};

/** The manifests of entries by the subject that they name. */
const directReferrers = perView(async (view): Promise<Map<Digest | undefined, Digest[]>> => {
  const known = (await view.entryNodes()).filter((n) => manifestOf(n)?.kind !== "oras-artifact");
  const groups = groupBy(known, (n) => manifestOf(n)?.subject?.digest);
  return new Map([...groups].map(([subject, group]) => [subject, group.map((n) => n.descriptor.digest)]));
});

async function listed(view: LayoutView, subject: Digest): Promise<Digest[]> {
  const entry = tagged(view, referrersTag(subject));
  if (entry === undefined) return [];
  const [node] = await view.nodes([entry.descriptor]);
  const manifest = manifestOf(node);
  return manifest?.kind === "index" ? manifest.manifests.map((d) => d.digest) : [];
}

const tags = new WeakMap<LayoutView, Map<string, IndexEntry>>();

/** The first entry of that tag, else the first whose full name ends in it. */
function tagged(view: LayoutView, tag: string): IndexEntry | undefined {
  let byTag = tags.get(view);
  if (byTag === undefined) {
    byTag = new Map();
    for (const entry of view.entries) {
      if (entry.tag === undefined) continue;
      const colon = entry.tag.lastIndexOf(":");
      for (const name of colon < 0 ? [entry.tag] : [entry.tag, entry.tag.slice(colon)]) if (!byTag.has(name)) byTag.set(name, entry);
    }
    tags.set(view, byTag);
  }
  return byTag.get(tag) ?? byTag.get(`:${tag}`);
}
