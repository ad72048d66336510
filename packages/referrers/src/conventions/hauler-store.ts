import { CONTAINERD_IMAGE_NAME, CREATED, type Digest, type IndexEntry, KIND, REF_NAME } from "@ocilot/layout/spec";
import type { Problem, ReferrerEdge } from "../graph/edge.js";
import { groupBy } from "../graph/group-by.js";
import { type OpenedEntry, openEntries } from "../records/referrer-entries.js";
import { isParentRole, isReferrerRole, entryKind } from "../view/entry-kind.js";
import { type LayoutView, manifestOf } from "../view/layout-view.js";
import { reportedEdge, reportedEdgeProblems } from "./reported-edges.js";

/** An entry that belongs to an image of the same name, and the images that have that name. */
export interface Belonging {
  readonly opened: OpenedEntry;
  readonly images: readonly Digest[];
}

/** A hauler store as its entries say it is: images, and what belongs to each by having the same `ref.name`. */
export interface HaulerStore {
  readonly entries: readonly OpenedEntry[];
  readonly belongings: readonly Belonging[];
  /** The images by their name. More than one of a name leaves open which of them is meant. */
  readonly images: ReadonlyMap<string, readonly Digest[]>;
}

const ATTACHED = new Set(["sigs", "atts", "sboms"]);

/** Reads hauler's entries. */
export async function haulerStore(view: LayoutView): Promise<HaulerStore> {
  const entries = (await openEntries(view)).filter(({ entry }) => entryKind(entry)?.family === "hauler");
  const named = groupBy(
    entries.filter(({ entry }) => isParentRole(entryKind(entry)!.role) && entry.tag !== undefined),
    ({ entry }) => entry.tag!,
  );
  const images = new Map([...named].map(([name, group]) => [name, [...new Set(group.map((o) => o.entry.descriptor.digest))]]));
  const belongings = entries
    .filter(({ entry }) => !isParentRole(entryKind(entry)!.role))
    .map((opened) => ({ opened, images: images.get(opened.entry.tag ?? "") ?? [] }));
  return { entries, belongings, images };
}

/** The edge that a belonging states. Of several images of one name only the manifest itself can tell which is meant. */
export function belongingEdge({ opened, images }: Belonging): ReferrerEdge | undefined {
  const { role } = entryKind(opened.entry)!;
  if (!ATTACHED.has(role) && !isReferrerRole(role)) return undefined;
  const own = manifestOf(opened.node)?.subject?.digest;
  const subject = own !== undefined && images.includes(own) ? own : images.length === 1 ? images[0] : undefined;
  return subject === undefined ? undefined : reportedEdge(opened, subject, "hauler");
}

/** What is odd about a belonging. */
export function belongingProblems(belonging: Belonging): Problem[] {
  const { opened, images } = belonging;
  const { position, descriptor, tag } = opened.entry;
  const kind = descriptor.annotations![KIND]!;
  const { role } = entryKind(opened.entry)!;
  const about = { position, digest: descriptor.digest };
  if (!ATTACHED.has(role) && !isReferrerRole(role))
    return [
      { code: "UNKNOWN_REFERENCE_TYPE", message: `${descriptor.digest} is of the kind ${kind}, which hauler does not have`, ...about },
    ];
  if (images.length === 1) return reportedEdgeProblems(opened, images[0]!, `the kind ${kind}`);
  if (belongingEdge(belonging) !== undefined) return [];
  const name = tag === undefined ? "has no name" : `belongs to the image named ${tag}, of which there are ${images.length}`;
  return [{ code: "AMBIGUOUS_PARENT", message: `${descriptor.digest}, of the kind ${kind}, ${name}`, ...about }];
}

/** What hauler puts on an entry beside the `kind` so that it belongs to an image. */
export const BELONGING_NAMES: readonly string[] = [REF_NAME, CONTAINERD_IMAGE_NAME, "hauler.dev/original-ref"];

const OWN_ANNOTATIONS = new Set([...BELONGING_NAMES, KIND, CREATED]);

/** Tells whether hauler is who puts that annotation on an entry of its. */
export function isHaulerAnnotation(key: string): boolean {
  return OWN_ANNOTATIONS.has(key);
}

/** Tells whether an entry holds nothing but what hauler puts on what belongs to an image. */
export function isPlainBelonging({ descriptor }: IndexEntry): boolean {
  const { mediaType: _type, digest: _digest, size: _size, annotations, artifactType: _artifact, ...rest } = descriptor;
  return Object.keys(rest).length === 0 && Object.keys(annotations ?? {}).every(isHaulerAnnotation);
}
