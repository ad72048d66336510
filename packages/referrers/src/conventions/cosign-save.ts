import { type Digest, type IndexEntry, KIND } from "@ocilot/layout/spec";
import type { Convention } from "./convention.js";
import { projection } from "../records/projection.js";
import type { Problem, ReferrerEdge } from "../graph/edge.js";
import { EdgeSet } from "../graph/edge-set.js";
import { type ReferrerGraph, subjectEdge } from "../graph/referrer-graph.js";
import { type OpenedEntry, openEntries } from "../records/referrer-entries.js";
import { COSIGN_PREFIX, isParentRole, entryKind } from "../view/entry-kind.js";
import { type LayoutView, manifestOf } from "../view/layout-view.js";
import { isSigstoreBundle } from "../view/sigstore-bundle.js";
import { reportedEdge, reportedEdgeProblems } from "./reported-edges.js";
import { ROLE_OF_FORM, cosignForms } from "./cosign-form.js";
import { imageRole, withdrawKinds } from "./kind-entries.js";
import { addEntry, assignSlots, unstated } from "./assign-slots.js";
import { rootImages } from "./root-images.js";
import { perView } from "../view/per-view.js";

const ROLES = new Set(["sigs", "atts"]);

/**
 * What `cosign save` leaves of an image: its own entry, and one each for its signatures and its attestations, told
 * apart by `kind`. Whatever else refers to the image is in `blobs/` alone; {@link unlisted} finds it.
 */
export const cosignSave: Convention = {
  id: "cosign-save",
  title: "one image, with `kind` annotations for its signatures and attestations (cosign save)",
  traits: { shape: "other", nEdges: true, target: true },

  detect: perView(async (view) => {
    const { entries, images } = await savedEntries(view);
    return {
      entries: entries.map(({ entry }) => ({ position: entry.position, reason: `the kind ${entry.descriptor.annotations![KIND]}` })),
      flags: [],
      problems: entries.flatMap((opened) => problemsOf(opened, images)),
    };
  }),

  async read(view) {
    const { entries, images } = await savedEntries(view);
    if (images.length !== 1) return [];
    const attached = entries.flatMap((opened) =>
      ROLES.has(entryKind(opened.entry)!.role) ? (reportedEdge(opened, images[0]!, "cosign-save") ?? []) : [],
    );
    const image = entries.find(({ entry }) => entryKind(entry)!.role === "image" && entry.descriptor.digest === images[0])?.entry;
    return image === undefined ? attached : [...attached, ...(await bundlesOf(image, view))];
  },

  async project(graph, view) {
    const { images, entries } = await savedEntries(view);
    const roots = await imagesToSave(graph, view);
    if (roots.length !== 1) {
      const why = roots.length === 0 ? "this one has none" : `this one has ${roots.length}: ${roots.slice(0, 5).join(", ")}`;
      return projection({ refusals: [`cosign save keeps exactly one image in a layout, and ${why}`] });
    }
    const root = roots[0]!;
    const rootEntry = view.entries.find((e) => e.descriptor.digest === root)!;
    const isImage = imageRole(rootEntry.descriptor) === "image";
    const bundles = isImage ? await bundlesOf(rootEntry, view) : [];
    const isBundle = new EdgeSet(bundles);
    const stated = new EdgeSet((await this.read(view)).filter((e) => !isBundle.has(e)));
    const { assigned, losses, refusals } = assignSlots(
      "cosign-save",
      unstated(graph.edges(), stated, await cosignForms(graph.edges(), view)),
      (edge, form) => {
        if (form === undefined || form === "sbom") return { loss: "no-form" };
        return edge.subject === root ? COSIGN_PREFIX + ROLE_OF_FORM[form] : { loss: "not-root" };
      },
      (place) => {
        const holder = entries.find(({ entry }) => entry.descriptor.annotations![KIND] === place)?.entry;
        if (holder === undefined) return undefined;
        const { digest } = holder.descriptor;
        return { digest, isReferrer: graph.has(root, digest), at: `index.json entry ${holder.position}` };
      },
    );
    const changes = [...assigned].map(([kind, edge]) => addEntry(root, edge.referrer, { [KIND]: kind }));
    const image = rootEntry.descriptor;
    if (images.length === 0) changes.unshift(addEntry(root, image, { [KIND]: COSIGN_PREFIX + imageRole(image) }));
    // cosign finds a bundle wherever it is; yet another record has to keep it, so that `losses` names it.
    const missed = losses.filter(({ subject, referrer }) => !isBundle.has({ subject, referrer: { digest: referrer } }));
    return { ...projection({ changes, losses, refusals }), partLosses: new Map([["cosign-save", missed]]) };
  },

  /** Removes all of it or nothing: half of it would tell cosign that the image has no signatures. */
  async withdraw(graph, view) {
    const { entries } = await savedEntries(view);
    const missing = (await heldLinks(this, view)).find((e) => !graph.has(e.subject, e.referrer.digest));
    if (missing !== undefined) {
      const why = `no other record holds the link of ${missing.referrer.digest} to ${missing.subject}`;
      return projection({ kept: entries.map(({ entry }) => `index.json entry ${entry.position} keeps its kind: ${why}`) });
    }
    const changes = withdrawKinds(
      view,
      entries.map(({ entry }) => ({ entry, own: [] })),
      (key) => key === KIND,
    );
    return projection({ changes });
  },
};

/** Returns the images that a layout for `cosign save` would be of: those that a `kind` calls so, or else all. It keeps exactly one. */
export async function imagesToSave(graph: ReferrerGraph, view: LayoutView): Promise<readonly Digest[]> {
  const { images } = await savedEntries(view);
  return images.length > 0 ? images : [...(await rootImages(graph, view)).keys()];
}

/** Links that are found only through these annotations, because of which the blobs are searched. */
async function heldLinks(convention: Convention, view: LayoutView): Promise<ReferrerEdge[]> {
  const held: ReferrerEdge[] = [];
  for (const edge of await convention.read(view)) held.push(edge);
  for (const node of await view.unlisted()) held.push(subjectEdge(node, { convention: "unlisted" })!);
  return held;
}

/**
 * The bundles of an image, which cosign finds by looking through `blobs/sha256`, listed or not. Of an image index it finds
 * none.
 */
async function bundlesOf({ descriptor, position }: IndexEntry, view: LayoutView): Promise<ReferrerEdge[]> {
  const nodes = [...(await view.reach()).map((r) => r.node), ...(await view.unlisted())];
  return nodes.flatMap((node) => {
    if (!isSigstoreBundle(manifestOf(node)) || !node.descriptor.digest.startsWith("sha256:")) return [];
    const edge = subjectEdge(node, { convention: "cosign-save", position });
    return edge?.subject === descriptor.digest ? [edge] : [];
  });
}

async function savedEntries(view: LayoutView): Promise<{ entries: OpenedEntry[]; images: Digest[] }> {
  const entries = (await openEntries(view)).filter(({ entry }) => entryKind(entry)?.family === "cosign-save");
  const images = entries.filter(({ entry }) => isParentRole(entryKind(entry)!.role)).map(({ entry }) => entry.descriptor.digest);
  return { entries, images: [...new Set(images)] };
}

function problemsOf(opened: OpenedEntry, images: readonly Digest[]): Problem[] {
  const { entry } = opened;
  const kind = entry.descriptor.annotations![KIND]!;
  const { role } = entryKind(entry)!;
  const about = { position: entry.position, digest: entry.descriptor.digest };
  if (isParentRole(role)) return [];
  if (!ROLES.has(role))
    return [{ code: "UNKNOWN_REFERENCE_TYPE", message: `${about.digest} is of the kind ${kind}, which cosign does not have`, ...about }];
  if (images.length === 1) return reportedEdgeProblems(opened, images[0]!, `the kind ${kind}`);
  const message = `${about.digest} is of the kind ${kind} and belongs to the one image of the layout, of which there are ${images.length}`;
  return [{ code: "AMBIGUOUS_PARENT", message, ...about }];
}
