import { type Descriptor, type Digest, type Layout, isOcilotError, manifestKind } from "@ocilot/layout/web";
import { type CosignForm } from "../conventions/digest-tag.js";
import { cosignForms } from "../conventions/cosign-form.js";
import { type ConventionId, type ReferrerEdge, edgeKey } from "../graph/edge.js";
import type { ReferrerGraph } from "../graph/referrer-graph.js";
import { entriesByDigest } from "../records/referrer-entries.js";
import { type LayoutView, type ManifestNode, type NewBlob, manifestOf } from "../view/layout-view.js";
import { subjectDescriptor } from "../write/subject.js";
import { isAttestation } from "../evidence/wrappings/buildkit.js";
import { type LiftForm, liftedManifest } from "./lift-form.js";
import { isLiftable, liftedLinks } from "./lifted.js";

/** Whose links can be lifted: the conventions that hold links without a subject, and manifests of the two withdrawn types. */
export const LIFT_SOURCES = ["buildkit", "cosign-tags", "cosign-save", "containerd", "hauler", "legacy"] as const;
/** A convention whose links `lift` reads. */
export type LiftSource = (typeof LIFT_SOURCES)[number];

/** A link that gets, or has, a manifest with a subject beside the one that it had. */
export interface Lift {
  readonly subject: Digest;
  readonly from: Digest;
  readonly to: Descriptor;
  readonly artifactType?: string;
}

/** A link that stays as it is, and why. */
export interface NotLifted {
  readonly subject: Digest;
  readonly referrer: Digest;
  readonly message: string;
}

export interface LiftPlan {
  readonly lifts: readonly Lift[];
  /** Links that have been lifted already, by whomever. */
  readonly present: readonly Lift[];
  readonly left: readonly NotLifted[];
  /** The new manifests. */
  readonly blobs: readonly NewBlob[];
}

/** Works out which manifests to make; writes nothing. `from` defaults to every convention except `legacy`. */
export async function planLifts(
  layout: Layout,
  view: LayoutView,
  graph: ReferrerGraph,
  from: readonly LiftSource[] = LIFT_SOURCES.filter((s) => s !== "legacy"),
): Promise<LiftPlan> {
  const wanted = graph.edges().filter((e) => isWanted(e, from));
  const there = await liftedLinks(graph, view);
  const nodes = await view.nodes(wanted.map((e) => e.referrer));
  const forms = await cosignForms(wanted, view);
  const subjects = await describedManifests(view);
  const lifts: Lift[] = [];
  const present: Lift[] = [];
  const left: NotLifted[] = [];
  const blobs = new Map<Digest, NewBlob>();
  for (const [i, edge] of wanted.entries()) {
    const counterpart = there.get(edgeKey(edge));
    const form = counterpart ? undefined : formOf(edge, nodes[i]!, forms.get(edgeKey(edge)));
    if (counterpart !== undefined) present.push(liftOf(edge, counterpart.referrer, counterpart.artifactType));
    else if (form === undefined) left.push(notLifted(edge, whyNot(nodes[i]!)));
    else {
      const subject = subjects.get(edge.subject) ?? (await elsewhere(layout, graph, edge));
      if (subject === undefined) {
        left.push(notLifted(edge, `its subject is missing from the layout, and its size is unknown`));
        continue;
      }
      const hint = entriesByDigest(view)
        .get(edge.referrer.digest)
        ?.find((e) => e.descriptor.artifactType)?.descriptor.artifactType;
      const { mediaType, text, artifactType } = liftedManifest(form, manifestOf(nodes[i])!, edge.referrer, subject, hint);
      const to = { mediaType, digest: view.digestOf(text), size: new TextEncoder().encode(text).length };
      if (!blobs.has(to.digest)) lifts.push(liftOf(edge, to, artifactType));
      blobs.set(to.digest, { descriptor: to, text });
    }
  }
  return { lifts, present, left, blobs: [...blobs.values()] };
}

function isWanted(edge: ReferrerEdge, from: readonly LiftSource[]): boolean {
  const saidBy = (id: ConventionId): boolean => (from as readonly string[]).includes(id);
  if (edge.link === "N") return edge.evidence.some((e) => saidBy(e.convention));
  return isLiftable(edge) && from.includes("legacy");
}

function formOf(edge: ReferrerEdge, node: ManifestNode, cosign: CosignForm | undefined): LiftForm | undefined {
  const manifest = manifestOf(node);
  if (manifest?.kind === "artifact" || manifest?.kind === "oras-artifact") return "artifact";
  if (manifest?.kind === "index") return "index";
  if (manifest?.kind !== "image") return undefined;
  if (isAttestation(manifest) || edge.evidence.some((e) => e.convention === "buildkit")) return "attestation";
  return cosign ?? "image";
}

function whyNot(node: ManifestNode): string {
  if (node.state === "absent") return "it is missing from the layout";
  if (node.state === "damaged") return node.error.message;
  if (node.state === "blob") return `it is not a manifest but ${node.descriptor.mediaType}`;
  return `${manifestOf(node)?.mediaType ?? node.descriptor.mediaType} cannot have a subject`;
}

/** What entries, children and subjects name, as far as it could be read: their descriptors are right in all three members. */
async function describedManifests(view: LayoutView): Promise<Map<Digest, Descriptor>> {
  const read = (await view.reach()).filter(({ node }) => node.state === "read" && manifestKind(node.descriptor.mediaType) !== undefined);
  return new Map(
    read.map(({ node: { descriptor } }) => {
      const { mediaType, digest, size } = descriptor;
      return [digest, { mediaType, digest, size }];
    }),
  );
}

/** Returns the descriptor of a subject that is not reachable from `index.json`, or that only other referrers describe. */
async function elsewhere(layout: Layout, graph: ReferrerGraph, edge: ReferrerEdge): Promise<Descriptor | undefined> {
  if (edge.subjectDescriptor !== undefined && !(await layout.blobs.has(edge.subject))) return edge.subjectDescriptor;
  try {
    return await subjectDescriptor(layout, async () => graph, { digest: edge.subject }, true);
  } catch (error) {
    if (isOcilotError(error, "USAGE", "REF_NOT_FOUND")) return undefined;
    throw error;
  }
}

function liftOf(edge: ReferrerEdge, to: Descriptor, artifactType: string | undefined): Lift {
  return { subject: edge.subject, from: edge.referrer.digest, to, ...(artifactType !== undefined && { artifactType }) };
}

function notLifted({ subject, referrer }: ReferrerEdge, why: string): NotLifted {
  return { subject, referrer: referrer.digest, message: `${referrer.digest} of ${subject}: ${why}` };
}
