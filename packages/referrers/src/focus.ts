import { type Digest, IMAGE_SPEC_SUBJECT, type IndexEntry, KIND, OLAREG_SUBJECT, isDigest, manifestKind } from "@ocilot/layout/spec";
import { containerdMark } from "./individual.js";
import { parseReferrersTag } from "./referrers-tag.js";
import type { LayoutView } from "./view.js";

/**
 * The layout without the records of other subjects, by what the records say of themselves: to list the referrers of one
 * subject among many, nothing else has to be opened. What is recorded under a wrong mark alone is not found so, nor what lies in an
 * index that only another subject's record leads to; what decides over writing therefore takes the whole layout.
 *
 * A record of something that `index.json` does not list stays: it may lead to a referrer that nothing else leads to.
 */
export function focusOn(view: LayoutView, subject: Digest): LayoutView {
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
function claimedSubjects(entry: IndexEntry): readonly string[] | undefined {
  const { descriptor, tag } = entry;
  const kind = manifestKind(descriptor.mediaType);
  const mark = containerdMark(entry);
  if (kind === "image" || kind === "artifact") return tag === undefined && isDigest(mark) ? [mark] : undefined;
  if (kind !== "index" || mark !== undefined) return undefined;
  const said: string[] = [];
  if (tag !== undefined) {
    const form = parseReferrersTag(tag);
    const whole = form === undefined ? undefined : `${form.algorithm}:${form.encoded}`;
    // An image index may bear a tag made of its own digest.
    if (!isDigest(whole) || whole === descriptor.digest) return undefined;
    said.push(whole);
  }
  for (const key of [OLAREG_SUBJECT, IMAGE_SPEC_SUBJECT]) {
    const value = descriptor.annotations?.[key];
    if (value === undefined) continue;
    if (!isDigest(value)) return undefined;
    said.push(value);
  }
  return said.length > 0 ? said : undefined;
}
