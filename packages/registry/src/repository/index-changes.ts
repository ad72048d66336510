import { type Descriptor, type Digest, type IndexEdit, type IndexSnapshot, OcilotError, editIndex, parseIndex } from "@ocilot/layout/spec";
import { digestOf } from "@ocilot/layout";

/** What edits of a repository's `index.json` ask of the registry. */
export interface IndexChanges {
  /** Tags that are to point to a manifest; `before` is what bore the tag, if anything. */
  readonly tags: readonly { readonly tag: string; readonly descriptor: Descriptor; readonly before: Digest | undefined }[];
  readonly untagged: readonly { readonly tag: string; readonly before: Digest }[];
  /** Manifests that no entry named before. */
  readonly added: readonly Descriptor[];
  /** Untagged manifests that no entry names any more, with the subjects under which the registry lists them. */
  readonly detached: readonly { readonly digest: Digest; readonly subjects: readonly Digest[] }[];
}

/**
 * Compares `index.json` before and after edits. What an entry holds besides a digest and a tag has no place in a registry and is not looked at.
 * @throws OcilotError `WRITE_REFUSED` where an edit would give a tag two manifests
 */
export function indexChanges(base: IndexSnapshot, edits: readonly IndexEdit[]): IndexChanges {
  const bytes = new TextEncoder().encode(editIndex(base, edits));
  const after = parseIndex(bytes, digestOf(bytes));
  const [tagsBefore, tagsAfter] = [tagsOf(base), tagsOf(after)];
  const digestsBefore = new Set(base.entries.map((e) => e.descriptor.digest));
  const digestsAfter = new Set(after.entries.map((e) => e.descriptor.digest));
  const gone = new Map<Digest, Digest[]>();
  for (const { descriptor, origin, tag } of base.entries) {
    if (tag !== undefined || digestsAfter.has(descriptor.digest)) continue;
    const listedUnder = origin?.by === "tag" || origin?.subject === undefined ? [] : [origin.subject];
    gone.set(descriptor.digest, [...(gone.get(descriptor.digest) ?? []), ...listedUnder]);
  }
  return {
    tags: [...tagsAfter].flatMap(([tag, descriptor]) => {
      const before = tagsBefore.get(tag)?.digest;
      return before === descriptor.digest ? [] : [{ tag, descriptor, before }];
    }),
    untagged: [...tagsBefore].flatMap(([tag, { digest }]) => (tagsAfter.has(tag) ? [] : [{ tag, before: digest }])),
    added: [...new Map(after.entries.map((e) => [e.descriptor.digest, e.descriptor])).values()].filter((d) => !digestsBefore.has(d.digest)),
    detached: [...gone].map(([digest, subjects]) => ({ digest, subjects })),
  };
}

function tagsOf({ entries }: IndexSnapshot): Map<string, Descriptor> {
  const tags = new Map<string, Descriptor>();
  for (const { tag, descriptor } of entries) {
    if (tag === undefined) continue;
    const other = tags.get(tag);
    if (other !== undefined && other.digest !== descriptor.digest) {
      throw new OcilotError("WRITE_REFUSED", `the tag ${tag} would point to ${other.digest} and to ${descriptor.digest}`, {
        reason: "tag-taken",
      });
    }
    tags.set(tag, descriptor);
  }
  return tags;
}
