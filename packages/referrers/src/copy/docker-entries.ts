import { CONTAINERD_SUBJECT, type IndexEdit, type IndexEntry } from "@ocilot/layout";
import { type LayoutView, manifestOf } from "../view.js";
import { isDigestTag } from "./docker-names.js";

/**
 * Takes out the entries that would be images of no use in Docker and containerd although nothing is lost with them:
 * platforms listed beside their index, and signatures under digest tags that another entry names with their subject.
 */
export async function dropNeedless(view: LayoutView): Promise<IndexEdit[]> {
  const nodes = await view.nodes(view.entries.map((e) => e.descriptor));
  const children = new Set<string>(nodes.flatMap((n) => (manifestOf(n)?.manifests ?? []).map((d) => d.digest)));
  const marked = new Set<string>(view.entries.filter(isMarked).map((e) => e.descriptor.digest));
  const isNeedless = (entry: IndexEntry): boolean => {
    if (isMarked(entry)) return false;
    return entry.tag === undefined ? children.has(entry.descriptor.digest) : isDigestTag(entry.tag) && marked.has(entry.descriptor.digest);
  };
  return view.entries.filter(isNeedless).map(({ position }) => ({ op: "remove", position }));
}

function isMarked({ descriptor }: IndexEntry): boolean {
  return descriptor.annotations?.[CONTAINERD_SUBJECT] !== undefined;
}
