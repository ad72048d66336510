import { type Descriptor, type Digest, bareDescriptor } from "@ocilot/layout/spec";
import type { IndexChange, Loss } from "../convention.js";
import { inexpressible, classOf } from "../convert/grid.js";
import { type ConventionId, type ReferrerEdge, edgeKey } from "../edge.js";
import type { EdgeSet } from "../edge-set.js";
import { groupBy } from "../group-by.js";
import { lossOf } from "../losses.js";
import type { CosignForm } from "./digest-tag.js";

/** Links that want a place in a convention which has one place for each name, and what is to become of them. */
export interface Placement {
  /** The referrer that gets each free place. */
  readonly placed: ReadonlyMap<string, ReferrerEdge>;
  readonly losses: readonly Loss[];
  readonly refusals: readonly string[];
}

/** What stands in a place already, and whether it is a referrer of the same subject. */
export interface Holder {
  readonly digest: Digest;
  readonly isReferrer: boolean;
  readonly at: string;
}

/**
 * Gives each link its place. A place that is held by another referrer of the subject leaves the newcomer out; one that
 * something else holds, or that two newcomers want, is a refusal: either choice would hide a signature.
 * @param placeOf the name of the place that a link needs, or why it has none
 * @param holderOf what stands in a place already
 */
export function assignPlaces(
  target: ConventionId,
  edges: readonly { readonly edge: ReferrerEdge; readonly form: CosignForm | undefined }[],
  placeOf: (edge: ReferrerEdge, form: CosignForm | undefined) => string | { readonly loss: Loss["reason"] },
  holderOf: (place: string) => Holder | undefined,
): Placement {
  const losses: Loss[] = [];
  const refusals: string[] = [];
  const wanted: { place: string; edge: ReferrerEdge }[] = [];
  for (const { edge, form } of edges) {
    const reason = inexpressible(target, classOf(edge, form !== undefined));
    const place = reason === undefined ? placeOf(edge, form) : { loss: reason };
    if (typeof place === "string") wanted.push({ place, edge });
    else losses.push(lossOf(edge, place.loss));
  }
  const placed = new Map<string, ReferrerEdge>();
  for (const [place, group] of groupBy(wanted, (w) => w.place)) {
    const holder = holderOf(place);
    const digests = group.map((w) => w.edge.referrer.digest);
    if (holder?.isReferrer === true) losses.push(...group.map((w) => lossOf(w.edge, "taken")));
    else if (holder !== undefined) {
      refusals.push(`${place} is needed for ${digests[0]} and belongs to ${holder.digest}, which is something else (${holder.at})`);
    } else if (group.length > 1) {
      refusals.push(`${digests.join(" and ")} both need ${place}, and nothing tells which of them is to have it`);
    } else placed.set(place, group[0]!.edge);
  }
  return { placed, losses, refusals };
}

/** The edges that `stated` does not hold, each with its form. */
export function unstated(
  edges: readonly ReferrerEdge[],
  stated: EdgeSet,
  forms: ReadonlyMap<string, CosignForm>,
): { edge: ReferrerEdge; form: CosignForm | undefined }[] {
  return edges.filter((e) => !stated.has(e)).map((edge) => ({ edge, form: forms.get(edgeKey(edge)) }));
}

/**
 * A new entry for a manifest, whatever entries it has: those are somebody's. It is not one of the records that have an
 * order, and stands before them.
 */
export function addEntry(subject: Digest, to: Descriptor, annotations: Readonly<Record<string, string>>): IndexChange {
  return { op: "add", key: { rank: "foreign", subject, digest: to.digest }, descriptor: { ...bareDescriptor(to), annotations } };
}
