import { type Digest, type IndexEntry, KIND, isDigest, manifestKind } from "@ocilot/layout/spec";
import { containerdSubject } from "./referrer-entries.js";
import { LIST_ANNOTATION_KEYS } from "./list-annotations.js";
import { parseReferrersTag } from "./referrers-tag.js";
import type { LayoutView } from "../view/layout-view.js";

/**
 * The layout without the records of other subjects, by what the records say of themselves: to list the referrers of one
 * subject among many, nothing else has to be opened. A referrer that is recorded under a wrong subject only is not found this way, nor one in an
 * index that only another subject's record leads to; what decides over writing therefore takes the whole layout.
 *
 * A record of something that `index.json` does not list stays: it may lead to a referrer that nothing else leads to.
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { openView, readGraph, viewOfSubject } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const view = await openView(layout);
 * const image = await layout.resolve("v1");
 * console.log((await readGraph(viewOfSubject(view, image.digest))).of(image.digest).length);
 * ```
 */
export function viewOfSubject(view: LayoutView, subject: Digest): LayoutView {
  const listed = new Set<string>(view.entries.map((e) => e.descriptor.digest));
  // It is somewhere inside an index, and so may be what refers to it: any index may be the one.
  if (!listed.has(subject)) return view;
  // A `kind` says whose entry it is by what stands beside it.
  if (view.entries.some((e) => e.descriptor.annotations?.[KIND] !== undefined)) return view;
  return view.narrow((entry) => {
    const said = claimedSubjects(entry);
    return said === undefined || said.some((digest) => digest === subject || !listed.has(digest));
  });
}

/** The subjects that an entry says it is a record of; undefined where it may be something else, or where they cannot be told. */
export function claimedSubjects(entry: IndexEntry): readonly string[] | undefined {
  const { descriptor, tag } = entry;
  const kind = manifestKind(descriptor.mediaType);
  const mark = containerdSubject(entry);
  if (kind === "image" || kind === "artifact") return tag === undefined && isDigest(mark) ? [mark] : undefined;
  if (kind !== "index" || mark !== undefined) return undefined;
  const said: string[] = [];
  if (tag !== undefined) {
    const form = parseReferrersTag(tag);
    const whole = form === undefined ? undefined : `${form.algorithm}:${form.encoded}`;
    // An image index may have a tag made of its own digest.
    if (!isDigest(whole) || whole === descriptor.digest) return undefined;
    said.push(whole);
  }
  for (const key of LIST_ANNOTATION_KEYS) {
    const value = descriptor.annotations?.[key];
    if (value === undefined) continue;
    if (!isDigest(value)) return undefined;
    said.push(value);
  }
  return said.length > 0 ? said : undefined;
}
