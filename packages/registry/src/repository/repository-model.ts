import { type Descriptor, type Digest, type EntryOrigin, REF_NAME, bareDescriptor, compareDigests } from "@ocilot/layout/spec";

/** A manifest that a registry lists as a referrer of another. */
export interface ListedReferrer {
  /** As the registry describes it. */
  readonly descriptor: Descriptor;
  readonly by: "referrers-api" | "referrers-tag";
}

/** What is known of a repository: what was asked for, and everything that refers to it. Tags of lists of referrers are not in it. */
export interface RepositoryModel {
  /** What was asked for by tag, and cosign's tags of it. */
  readonly tags: ReadonlyMap<string, TaggedManifest>;
  /** What was asked for by digest. */
  readonly digests: ReadonlyMap<Digest, Descriptor>;
  readonly referrers: ReadonlyMap<Digest, ReadonlyMap<Digest, ListedReferrer>>;
}

export interface TaggedManifest {
  readonly descriptor: Descriptor;
  /** The image of which a tag of cosign's says something. */
  readonly subject?: Digest;
}

/** An entry of the `index.json` that a model stands for. */
export interface ModelEntry {
  readonly descriptor: Descriptor;
  readonly origin: EntryOrigin;
}

/** The entries of a model: tags, then digests, then referrers by subject and digest. A referrer of two subjects is there twice. */
export function modelEntries(model: RepositoryModel): ModelEntry[] {
  const entries: ModelEntry[] = [];
  for (const [tag, { descriptor, subject }] of [...model.tags].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const origin: EntryOrigin = { by: "tag", ...(subject !== undefined && { subject }) };
    entries.push({ descriptor: { ...bareDescriptor(descriptor), annotations: { [REF_NAME]: tag } }, origin });
  }
  const listed = new Set(entries.map((e) => e.descriptor.digest));
  for (const descriptor of model.digests.values()) {
    if (!listed.has(descriptor.digest)) entries.push({ descriptor: bareDescriptor(descriptor), origin: { by: "tag" } });
  }
  for (const subject of [...model.referrers.keys()].toSorted(compareDigests)) {
    const siblings = model.referrers.get(subject)!;
    for (const digest of [...siblings.keys()].toSorted(compareDigests)) {
      const { descriptor, by } = siblings.get(digest)!;
      entries.push({ descriptor: referrerDescriptor(descriptor), origin: { by, subject } });
    }
  }
  return entries;
}

/** What an entry of a referrer holds; a tag that a list gives it is none of the repository's. */
function referrerDescriptor(d: Descriptor): Descriptor {
  const { [REF_NAME]: _, ...annotations } = d.annotations ?? {};
  return {
    ...bareDescriptor(d),
    ...(Object.keys(annotations).length > 0 && { annotations }),
    ...(d.artifactType !== undefined && { artifactType: d.artifactType }),
  };
}
