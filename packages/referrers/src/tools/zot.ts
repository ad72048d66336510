import type { Digest } from "@ocilot/layout/spec";
import { unreadableMessage } from "../view/unreadable.js";
import { perView } from "../view/per-view.js";
import type { ReaderTool, Trap } from "./reader-tool.js";
import { type LayoutView, manifestOf } from "../view/layout-view.js";

/**
 * zot with the layout as one of its repositories: it reads every entry, goes into no index, and compares `subject` of
 * OCI manifests and indexes. One entry that cannot be read fails the query, unless it is the subject itself.
 */
export const zotTool: ReaderTool = {
  id: "zot",
  title: "zot 2.1",

  async finds(view, subject) {
    const { referrers, bad } = await modelOf(view);
    return [...bad.keys()].some((digest) => digest !== subject) ? [] : [...(referrers.get(subject) ?? [])];
  },

  async traps(view) {
    const { bad } = await modelOf(view);
    return [...bad.values()].map((message): Trap => ({ severity: "blocks", message }));
  },
};

interface Model {
  readonly referrers: Map<Digest, Set<Digest>>;
  /** Entries that cannot be read, and why. */
  readonly bad: Map<Digest, string>;
}

const modelOf = perView(build);

async function build(view: LayoutView): Promise<Model> {
  const referrers = new Map<Digest, Set<Digest>>();
  const bad = new Map<Digest, string>();
  for (const node of await view.entryNodes()) {
    const { digest } = node.descriptor;
    const isAbsent = node.state === "absent" || (node.state === "blob" && !(await view.has(digest)));
    if (isAbsent) bad.set(digest, `${digest} is missing from the layout: zot answers no query about referrers`);
    else if (node.state === "damaged") bad.set(digest, unreadableMessage(node));
    const manifest = manifestOf(node);
    const subject = manifest?.kind === "image" || manifest?.kind === "index" ? manifest.subject?.digest : undefined;
    if (subject === undefined || subject === digest) continue;
    const found = referrers.get(subject);
    if (found === undefined) referrers.set(subject, new Set([digest]));
    else found.add(digest);
  }
  return { referrers, bad };
}
