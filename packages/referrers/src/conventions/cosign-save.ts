import { type Digest, KIND } from "@ocilot/layout/spec";
import { type Convention, projection } from "../convention.js";
import type { Problem, ReferrerEdge } from "../edge.js";
import { EdgeSet } from "../edge-set.js";
import { subjectEdge } from "../graph.js";
import { type OpenedEntry, openEntries } from "../individual.js";
import { COSIGN_PREFIX, isParentRole, kindOf } from "../kinds.js";
import type { LayoutView } from "../view.js";
import { claimOf, claimProblems } from "./claims.js";
import { ROLE_OF_FORM, cosignForms } from "./cosign-form.js";
import { imageRole, withdrawKinds } from "./kind-entries.js";
import { addEntry, assignPlaces, unstated } from "./places.js";
import { rootsOf } from "./roots.js";
import { perView } from "../per-view.js";

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
    return entries.flatMap((opened) => (ROLES.has(kindOf(opened.entry)!.role) ? (claimOf(opened, images[0]!, "cosign-save") ?? []) : []));
  },

  async project(graph, view) {
    const { images, entries } = await savedEntries(view);
    const roots = images.length > 0 ? images : [...(await rootsOf(graph, view)).keys()];
    if (roots.length !== 1) {
      const why = roots.length === 0 ? "there is none" : `here are ${roots.length}: ${roots.slice(0, 5).join(", ")}`;
      return projection({ refusals: [`cosign save keeps exactly one image in a layout, and ${why}`] });
    }
    const root = roots[0]!;
    const stated = new EdgeSet(await this.read(view));
    const { placed, losses, refusals } = assignPlaces(
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
    const changes = [...placed].map(([kind, edge]) => addEntry(root, edge.referrer, { [KIND]: kind }));
    const image = view.entries.find((e) => e.descriptor.digest === root)!.descriptor;
    if (images.length === 0) changes.unshift(addEntry(root, image, { [KIND]: COSIGN_PREFIX + imageRole(image) }));
    return projection({ changes, losses, refusals });
  },

  /** All of it goes or none: a half would tell cosign that the image has no signatures. */
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

/** What can be known only through these annotations: they are why the blobs are looked through. */
async function heldLinks(convention: Convention, view: LayoutView): Promise<ReferrerEdge[]> {
  const held: ReferrerEdge[] = [];
  for (const edge of await convention.read(view)) held.push(edge);
  for (const node of await view.unlisted()) held.push(subjectEdge(node, { convention: "unlisted" })!);
  return held;
}

async function savedEntries(view: LayoutView): Promise<{ entries: OpenedEntry[]; images: Digest[] }> {
  const entries = (await openEntries(view)).filter(({ entry }) => kindOf(entry)?.family === "cosign-save");
  const images = entries.filter(({ entry }) => isParentRole(kindOf(entry)!.role)).map(({ entry }) => entry.descriptor.digest);
  return { entries, images: [...new Set(images)] };
}

function problemsOf(opened: OpenedEntry, images: readonly Digest[]): Problem[] {
  const { entry } = opened;
  const kind = entry.descriptor.annotations![KIND]!;
  const { role } = kindOf(entry)!;
  const about = { position: entry.position, digest: entry.descriptor.digest };
  if (isParentRole(role)) return [];
  if (!ROLES.has(role))
    return [{ code: "UNKNOWN_REFERENCE_TYPE", message: `${about.digest} is of the kind ${kind}, which cosign does not have`, ...about }];
  if (images.length === 1) return claimProblems(opened, images[0]!, `the kind ${kind}`);
  const message = `${about.digest} is of the kind ${kind} and belongs to the one image of the layout, of which there are ${images.length}`;
  return [{ code: "AMBIGUOUS_PARENT", message, ...about }];
}
