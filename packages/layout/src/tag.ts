import { OcilotError } from "./errors.js";
import type { IndexEdit } from "./index-edit.js";
import type { IndexEntry, IndexSnapshot } from "./index-snapshot.js";
import { CONTAINERD_IMAGE_NAME, CREATED, REF_NAME } from "./spec/annotations.js";
import { type Descriptor, bareDescriptor } from "./spec/descriptor.js";

const NAME = /^[A-Za-z0-9]+(?:(?:[-._:@+]|--)[A-Za-z0-9]+)*(?:\/[A-Za-z0-9]+(?:(?:[-._:@+]|--)[A-Za-z0-9]+)*)*$/;
/** What ocilot notes on an entry is about the manifest, so each further tag of it says the same. */
const OWN_NOTES = "io.ocilot.";
const RESERVED = /(?:^|:)(?:sha256|sha384|sha512|blake3)-[0-9a-f]{64,128}(?:\.[a-z]+)?$/;

/**
 * Checks a tag against the grammar of image-layout.
 * @throws OcilotError `UNSAFE_NAME`
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/annotations.md#pre-defined-annotation-keys
 */
export function checkTag(name: string): string {
  if (name.length > 512 || !NAME.test(name)) {
    throw new OcilotError(
      "UNSAFE_NAME",
      `${JSON.stringify(name)} cannot be a tag`,
      { name },
      { hint: "A tag is letters and digits with single . _ - : + @ or / between them, like v1.2 or example.com/app:v1.2." },
    );
  }
  if (RESERVED.test(name)) {
    throw new OcilotError(
      "UNSAFE_NAME",
      `${name} is the form of tag under which tools keep lists of referrers and signatures`,
      { name },
      { hint: "Choose another name." },
    );
  }
  return name;
}

/**
 * The edits that make `names` tags of a manifest; what bore one before stays as an untagged entry, so that nothing is
 * lost. The untagged entry of a referrer is a record of its own and is not turned into a tag.
 */
export function tagEdits(index: IndexSnapshot, d: Descriptor, names: readonly string[], isReferrer: boolean): IndexEdit[] {
  const edits: IndexEdit[] = [];
  let free = isReferrer ? undefined : index.entries.find((e) => e.descriptor.digest === d.digest && e.tag === undefined);
  for (const name of new Set(names)) {
    const holders = index.entries.filter((e) => e.tag === name);
    for (const holder of holders) if (holder.descriptor.digest !== d.digest) edits.push(releaseEdit(index, holder, name));
    if (holders.some((e) => e.descriptor.digest === d.digest)) continue;
    if (free === undefined) edits.push({ op: "insert", before: index.entries.length, descriptor: tagged(d, name) });
    else edits.push({ op: "annotate", position: free.position, set: { [REF_NAME]: name } });
    free = undefined;
  }
  return edits;
}

/**
 * The edits that take a tag away. The manifest stays listed without it.
 * @throws OcilotError `REF_NOT_FOUND`
 */
export function untagEdits(index: IndexSnapshot, name: string): IndexEdit[] {
  const holders = index.entries.filter((e) => e.tag === name);
  if (holders.length > 0) return holders.map((e) => releaseEdit(index, e, name));
  const tags = index.entries.flatMap((e) => e.tag ?? []);
  throw new OcilotError(
    "REF_NOT_FOUND",
    `no tag ${JSON.stringify(name)} in the layout`,
    { reference: name, candidates: tags },
    {
      hint: tags.length === 0 ? "The layout has no tags." : `Its tags are: ${tags.slice(0, 10).join(", ")}${tags.length > 10 ? ", …" : ""}`,
    },
  );
}

/** An entry that would say nothing that another entry of the manifest does not say goes as a whole. */
function releaseEdit(index: IndexSnapshot, entry: IndexEntry, name: string): IndexEdit {
  const annotations = entry.descriptor.annotations ?? {};
  const imageName = annotations[CONTAINERD_IMAGE_NAME];
  const names = imageName?.endsWith(`:${name}`) ? [REF_NAME, CONTAINERD_IMAGE_NAME] : [REF_NAME];
  const rest = Object.keys(annotations).filter((key) => !names.includes(key) && key !== CREATED);
  const isPlain =
    rest.length === 0 && Object.keys(entry.descriptor).every((key) => ["mediaType", "digest", "size", "annotations"].includes(key));
  const hasTwin = index.entries.some((e) => e !== entry && e.descriptor.digest === entry.descriptor.digest && e.tag !== name);
  if (isPlain && hasTwin) return { op: "remove", position: entry.position };
  return { op: "annotate", position: entry.position, unset: names };
}

function tagged(d: Descriptor, name: string): Descriptor {
  const notes = Object.entries(d.annotations ?? {}).filter(([key]) => key.startsWith(OWN_NOTES));
  return {
    ...bareDescriptor(d),
    ...(d.platform !== undefined && { platform: d.platform }),
    ...(d.artifactType !== undefined && { artifactType: d.artifactType }),
    annotations: { ...Object.fromEntries(notes), [REF_NAME]: name },
  };
}
