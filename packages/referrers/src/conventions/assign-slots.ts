import { type Descriptor, type Digest, bareDescriptor } from "@ocilot/layout/spec";
import type { IndexChange, UnrepresentableLink } from "../records/projection.js";
import { unsupportedReason, linkClassOf } from "./support-matrix.js";
import { type ConventionId, type ReferrerEdge, edgeKey } from "../graph/edge.js";
import type { EdgeSet } from "../graph/edge-set.js";
import { groupBy } from "../graph/group-by.js";
import { unrepresentableLink } from "../records/unrepresentable.js";
import type { CosignForm } from "./digest-tag.js";

/** Which links get a slot in a convention that has one slot for each name, and which do not. */
export interface SlotAssignment {
  /** The referrer for each free slot. */
  readonly assigned: ReadonlyMap<string, ReferrerEdge>;
  readonly losses: readonly UnrepresentableLink[];
  readonly refusals: readonly string[];
}

/** The manifest that already occupies a slot, and whether it is a referrer of the same subject. */
export interface SlotOccupant {
  readonly digest: Digest;
  readonly isReferrer: boolean;
  readonly at: string;
}

/**
 * Assigns a slot to each link. A slot that another referrer of the subject occupies is a loss; one that something else
 * occupies, or that two links need, is a refusal: either choice would hide a signature.
 * @param slotOf the name of the slot that a link needs, or why it has none
 * @param occupantOf the current occupant of a slot
 */
export function assignSlots(
  target: ConventionId,
  edges: readonly { readonly edge: ReferrerEdge; readonly form: CosignForm | undefined }[],
  slotOf: (edge: ReferrerEdge, form: CosignForm | undefined) => string | { readonly loss: UnrepresentableLink["reason"] },
  occupantOf: (place: string) => SlotOccupant | undefined,
): SlotAssignment {
  const losses: UnrepresentableLink[] = [];
  const refusals: string[] = [];
  const wanted: { place: string; edge: ReferrerEdge }[] = [];
  for (const { edge, form } of edges) {
    const reason = unsupportedReason(target, linkClassOf(edge, form !== undefined));
    const place = reason === undefined ? slotOf(edge, form) : { loss: reason };
    if (typeof place === "string") wanted.push({ place, edge });
    else losses.push(unrepresentableLink(edge, place.loss));
  }
  const assigned = new Map<string, ReferrerEdge>();
  for (const [place, group] of groupBy(wanted, (w) => w.place)) {
    const holder = occupantOf(place);
    const digests = group.map((w) => w.edge.referrer.digest);
    if (holder?.isReferrer === true) losses.push(...group.map((w) => unrepresentableLink(w.edge, "taken")));
    else if (holder !== undefined) {
      refusals.push(
        `${place} is needed for ${digests[0]} and is used by ${holder.digest}, which is not a referrer of its subject (${holder.at})`,
      );
    } else if (group.length > 1) {
      refusals.push(`${digests.join(" and ")} both need ${place}, and only one of them can have it`);
    } else assigned.set(place, group[0]!.edge);
  }
  return { assigned, losses, refusals };
}

/** Returns the edges that are not in `stated`, each with its form. */
export function unstated(
  edges: readonly ReferrerEdge[],
  stated: EdgeSet,
  forms: ReadonlyMap<string, CosignForm>,
): { edge: ReferrerEdge; form: CosignForm | undefined }[] {
  return edges.filter((e) => !stated.has(e)).map((edge) => ({ edge, form: forms.get(edgeKey(edge)) }));
}

/**
 * Returns a new entry for a manifest; its existing entries are not changed. It is not one of the ordered records and is placed
 * before them.
 */
export function addEntry(subject: Digest, to: Descriptor, annotations: Readonly<Record<string, string>>): IndexChange {
  return { op: "add", key: { rank: "foreign", subject, digest: to.digest }, descriptor: { ...bareDescriptor(to), annotations } };
}
