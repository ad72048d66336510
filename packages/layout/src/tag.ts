import { OcilotError } from "./errors.js";
import type { RecordEdit } from "./spec/index-edit.js";
import type { IndexEntry, IndexSnapshot } from "./spec/index-snapshot.js";
import { CONTAINERD_IMAGE_NAME, CREATED, REF_NAME } from "./spec/annotations.js";
import { entriesNamed, imageNameOf, isNameEnd, nameAmbiguous, nameNotFound } from "./spec/entry-name.js";
import { parseImageName } from "./spec/image-name.js";
import { type Descriptor, bareDescriptor } from "./spec/descriptor.js";

const NAME = /^[A-Za-z0-9]+(?:(?:[-._:@+]|--)[A-Za-z0-9]+)*(?:\/[A-Za-z0-9]+(?:(?:[-._:@+]|--)[A-Za-z0-9]+)*)*$/;
/** ocilot's own annotations describe the manifest, so each further tag of it gets them too. */
const OWN_ANNOTATIONS = "io.ocilot.";
/** Names under which tools store lists of referrers (`sha256-…`) and signatures (`sha256-….sig`). */
const RESERVED = /(?:^|:)(?:sha256|sha384|sha512|blake3)-[0-9a-f]{64,128}(?:\.[a-z]+)?$/;

/**
 * Returns `name` if it is a valid tag.
 * @throws OcilotError `UNSAFE_NAME`
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/annotations.md#pre-defined-annotation-keys
 * @example
 * ```ts
 * import { checkTag } from "@ocilot/layout";
 *
 * console.log(checkTag("v1.2")); // v1.2; "../v1" would throw UNSAFE_NAME
 * ```
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
      `${name} is reserved: tools store lists of referrers and signatures under such tags`,
      { name },
      { hint: "Choose another name." },
    );
  }
  return name;
}

/** A manifest and the tags that it is to have. */
export interface Tagging {
  readonly descriptor: Descriptor;
  readonly names: readonly string[];
  /** The untagged entry of a referrer is a record of its own and is not turned into a tag. */
  readonly isReferrer: boolean;
}

/**
 * Returns the edits that give manifests their tags. The manifest that bore a name before stays as an untagged entry, so that nothing
 * is lost; where several ask for one name, the last gets it.
 * @throws OcilotError `REF_AMBIGUOUS` for a tag that images of several repositories have
 * @example
 * ```ts
 * import { editIndex, Layout, tagEdits } from "@ocilot/layout";
 *
 * const layout = await Layout.open("./layout");
 * const index = await layout.index.read();
 * const descriptor = await layout.resolve("v1");
 * console.log(editIndex(index, tagEdits(index, [{ descriptor, names: ["v2"], isReferrer: false }])));
 * ```
 */
export function tagEdits(index: IndexSnapshot, taggings: readonly Tagging[]): RecordEdit[] {
  const wanted = new Map(taggings.flatMap((tagging) => tagging.names.map((name) => [name, tagging.descriptor.digest])));
  const edits: RecordEdit[] = [];
  const gone = new Set<number>();
  const there = new Set<string>();
  const fullNames = new Set<string>();
  for (const [name, digest] of wanted) {
    const holders = holdersOf(index, name);
    if (holders.some((e) => e.descriptor.digest === digest)) there.add(name);
    if (holders.some((e) => imageNameOf(e) === name && e.tag !== name)) fullNames.add(name);
    for (const holder of holders)
      if (holder.descriptor.digest !== digest) edits.push(releaseEdit(index, holder, { matches: (held) => held === name, gone }));
  }
  const taken = new Set<number>();
  for (const { descriptor: d, names, isReferrer } of taggings) {
    for (const name of new Set(names)) {
      if (there.has(name) || wanted.get(name) !== d.digest) continue;
      there.add(name);
      const set = fullNames.has(name) ? { [CONTAINERD_IMAGE_NAME]: name, [REF_NAME]: tagIn(name) } : { [REF_NAME]: name };
      const isFree = (e: IndexEntry): boolean => e.descriptor.digest === d.digest && e.tag === undefined && !taken.has(e.position);
      const free = isReferrer ? undefined : index.entries.find(isFree);
      if (free === undefined) edits.push({ op: "insert", before: index.entries.length, descriptor: tagged(d, set) });
      else {
        taken.add(free.position);
        edits.push({ op: "annotate", position: free.position, set });
      }
    }
  }
  return edits;
}

/**
 * Returns the edits that remove a tag: an exact tag, an image name, or an unambiguous end of one. The manifest stays listed without it.
 * @throws OcilotError `REF_NOT_FOUND`, `REF_AMBIGUOUS`
 * @example
 * ```ts
 * import { editIndex, Layout, untagEdits } from "@ocilot/layout";
 *
 * const index = await (await Layout.open("./layout")).index.read();
 * console.log(editIndex(index, untagEdits(index, "v1"))); // the text without the tag
 * ```
 */
export function untagEdits(index: IndexSnapshot, name: string): RecordEdit[] {
  const exact = holdersOf(index, name);
  const holders = exact.length > 0 ? exact : entriesNamed(index, name);
  if (holders.length === 0) throw nameNotFound(index, name);
  if (new Set(holders.map(fullNameOf)).size > 1) throw nameAmbiguous(name, holders);
  const gone = new Set<number>();
  return holders.map((e) => releaseEdit(index, e, { matches: (held) => held === name || isNameEnd(held, name), gone }));
}

/**
 * Returns the entries of which `name` is the full name, else those with that tag. `docker save a:latest b:latest` gives two entries the
 * tag `latest`: they are images of two repositories, and neither may lose its name for the other.
 */
function holdersOf(index: IndexSnapshot, name: string): readonly IndexEntry[] {
  const named = index.entries.filter((e) => fullNameOf(e) === name);
  if (named.length > 0) return named;
  const holders = index.entries.filter((e) => e.tag === name);
  if (new Set(holders.map(fullNameOf)).size > 1) throw nameAmbiguous(name, holders);
  return holders;
}

function fullNameOf(e: IndexEntry): string | undefined {
  return imageNameOf(e) ?? e.tag;
}

function tagIn(imageName: string): string {
  return parseImageName(imageName)?.tag ?? imageName;
}

/**
 * Removes the names of an entry, or the whole entry if it holds nothing that another entry of the manifest does not hold; `gone` are
 * the entries that went before.
 */
function releaseEdit(
  index: IndexSnapshot,
  entry: IndexEntry,
  { matches, gone }: { readonly matches: (name: string | undefined) => boolean; readonly gone: Set<number> },
): RecordEdit {
  const annotations = entry.descriptor.annotations ?? {};
  const isOneName = entry.tag !== undefined && imageNameOf(entry)?.endsWith(`:${entry.tag}`) === true;
  const names = [REF_NAME, CONTAINERD_IMAGE_NAME].filter((key) => isOneName || matches(annotations[key]));
  const rest = Object.keys(annotations).filter((key) => !names.includes(key) && key !== CREATED);
  const isPlain =
    rest.length === 0 && Object.keys(entry.descriptor).every((key) => ["mediaType", "digest", "size", "annotations"].includes(key));
  const hasTwin = index.entries.some(
    (e) =>
      e !== entry &&
      e.descriptor.digest === entry.descriptor.digest &&
      (e.tag === undefined || e.tag !== entry.tag) &&
      !gone.has(e.position),
  );
  if (isPlain && hasTwin) {
    gone.add(entry.position);
    return { op: "remove", position: entry.position };
  }
  return { op: "annotate", position: entry.position, unset: names };
}

function tagged(d: Descriptor, names: Readonly<Record<string, string>>): Descriptor {
  const notes = Object.entries(d.annotations ?? {}).filter(([key]) => key.startsWith(OWN_ANNOTATIONS));
  return {
    ...bareDescriptor(d),
    ...(d.platform !== undefined && { platform: d.platform }),
    ...(d.artifactType !== undefined && { artifactType: d.artifactType }),
    annotations: { ...Object.fromEntries(notes), ...names },
  };
}
