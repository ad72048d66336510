import { type Descriptor, type IndexEntry, KIND, REF_NAME, manifestKind } from "@ocilot/layout/spec";
import type { IndexChange } from "../records/projection.js";
import { entriesByDigest } from "../records/referrer-entries.js";
import type { LayoutView } from "../view/layout-view.js";

/** The role of what others belong to. */
export function imageRole(d: Descriptor): "image" | "imageIndex" {
  const kind = manifestKind(d.mediaType);
  return kind === "index" || kind === "docker-list" ? "imageIndex" : "image";
}

/** An entry that is to lose its `kind`. */
export interface KindEntry {
  readonly entry: IndexEntry;
  /** The annotations that came with the `kind` and mean nothing without it. */
  readonly own: readonly string[];
}

/**
 * Takes the `kind` from entries, and what came with it. One that holds nothing else, as `isOwn` tells of its
 * annotations, goes as a whole where another entry of its manifest stays; the last one never does, nor one whose tag
 * would be lost.
 */
export function withdrawKinds(view: LayoutView, entries: readonly KindEntry[], isOwn: (annotation: string) => boolean): IndexChange[] {
  const listed = entriesByDigest(view);
  const gone = new Set<number>();
  return entries.map(({ entry, own }): IndexChange => {
    const { position, descriptor, tag } = entry;
    const { mediaType: _type, digest, size: _size, annotations = {}, ...rest } = descriptor;
    const keepsTag = tag !== undefined && !own.includes(REF_NAME);
    const isPlain = Object.keys(rest).length === 0 && Object.keys(annotations).every(isOwn);
    const hasTwin = (listed.get(digest) ?? []).some(
      (e) => e.position !== position && !gone.has(e.position) && (!keepsTag || e.tag === tag),
    );
    if (!isPlain || !hasTwin) return { op: "annotate", position, unset: [KIND, ...own].filter((key) => annotations[key] !== undefined) };
    gone.add(position);
    return { op: "remove", position };
  });
}
