import { CONTAINERD_SUBJECT, type IndexEdit, type IndexEntry } from "@ocilot/layout/web";
import { type LayoutView, manifestOf } from "../view/layout-view.js";
import { isDigestTag } from "./docker-names.js";

/**
 * Returns the edits that remove entries which would become useless images in Docker and containerd, and with which nothing is lost:
 * platforms listed next to their index, and signatures under digest tags that another entry lists with their subject.
 */
export async function dropRedundant(view: LayoutView): Promise<IndexEdit[]> {
  const nodes = await view.entryNodes();
  const children = new Set<string>(nodes.flatMap((n) => (manifestOf(n)?.manifests ?? []).map((d) => d.digest)));
  const marked = new Set<string>(view.entries.filter(isMarked).map((e) => e.descriptor.digest));
  const isRedundant = (entry: IndexEntry): boolean => {
    if (isMarked(entry)) return false;
    return entry.tag === undefined ? children.has(entry.descriptor.digest) : isDigestTag(entry.tag) && marked.has(entry.descriptor.digest);
  };
  return view.entries.filter(isRedundant).map(({ position }) => ({ op: "remove", position }));
}

function isMarked({ descriptor }: IndexEntry): boolean {
  return descriptor.annotations?.[CONTAINERD_SUBJECT] !== undefined;
}
