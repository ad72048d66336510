import { CONTAINERD_IMAGE_NAME, type Digest, type IndexEntry, KIND, REF_NAME, splitDigest } from "@ocilot/layout/spec";
import type { Convention } from "./convention.js";
import { type IndexChange, projection } from "../records/projection.js";
import { EdgeSet } from "../graph/edge-set.js";
import { groupBy } from "../graph/group-by.js";
import { entriesByDigest } from "../records/referrer-entries.js";
import { HAULER_PREFIX, isParentRole, entryKind, referrerRole } from "../view/entry-kind.js";
import { ROLE_OF_FORM, cosignForms } from "./cosign-form.js";
import { parseDigestTag } from "./digest-tag.js";
import {
  BELONGING_NAMES,
  type HaulerStore,
  belongingEdge,
  belongingProblems,
  haulerStore,
  isHaulerAnnotation,
  isPlainBelonging,
} from "./hauler-store.js";
import { type KindEntry, imageRole, withdrawKinds } from "./kind-entries.js";
import { type SlotOccupant, addEntry, assignSlots, unstated } from "./assign-slots.js";
import { rootImages } from "./root-images.js";
import { perView } from "../view/per-view.js";

/**
 * hauler's store: what belongs to an image has an entry of the same `ref.name`, and a `kind` that tells what it is. To
 * every other tool the name then means several manifests, so only a layout on its way to hauler should be written so.
 */
export const hauler: Convention = {
  id: "hauler",
  title: "entries of one name, told apart by `kind` (hauler)",
  traits: { shape: "other", nEdges: true, target: true },

  detect: perView(async (view) => {
    const { entries, belongings } = await haulerStore(view);
    return {
      entries: entries.map(({ entry }) => ({ position: entry.position, reason: `the kind ${entry.descriptor.annotations![KIND]}` })),
      flags: [],
      problems: belongings.flatMap(belongingProblems),
    };
  }),

  async read(view) {
    return (await haulerStore(view)).belongings.flatMap((belonging) => belongingEdge(belonging) ?? []);
  },

  async project(graph, view) {
    const store = await haulerStore(view);
    const stated = new EdgeSet(await this.read(view));
    const edges = graph.edges();
    const roots = await rootImages(graph, view);
    const listed = entriesByDigest(view);
    const parents = new Map([...roots.keys()].map((digest) => [digest, parentOf(listed.get(digest) ?? [])]));
    const holders = holdersIn(store);
    const { assigned, losses, refusals } = assignSlots(
      "hauler",
      unstated(edges, stated, await cosignForms(edges, view)),
      ({ subject, referrer }, form) => {
        if (!roots.has(subject)) return { loss: "not-root" };
        const role = form === undefined ? referrerRole(splitDigest(referrer.digest).encoded) : ROLE_OF_FORM[form];
        return `${role} of ${subject}`;
      },
      (place) => holders.get(place),
    );
    const wanting = new Set([...assigned.values()].map((e) => e.subject));
    const changes: IndexChange[] = [];
    const names = groupBy(wanting, (subject) => parents.get(subject)?.tag);
    const obstacles = [...wanting].flatMap((subject) => {
      const name = parents.get(subject)?.tag;
      return obstacle(subject, name, [...(names.get(name) ?? []), ...(store.images.get(name ?? "") ?? [])]);
    });
    for (const [place, { subject, referrer }] of assigned) {
      const parent = parents.get(subject);
      if (parent === undefined) continue;
      const { prefix = HAULER_PREFIX } = entryKind(parent)?.family === "hauler" ? entryKind(parent)! : {};
      const annotations = { ...namesOf(parent), [KIND]: prefix + place.slice(0, place.indexOf(" ")) };
      changes.push(addEntry(subject, referrer, annotations));
    }
    const images = [...wanting].flatMap((subject) => asImage(parents.get(subject)));
    return projection({ changes: [...images, ...changes], losses, refusals: [...refusals, ...obstacles] });
  },

  /** What belongs to an image goes, for its name is the image's; the image keeps its name and loses its `kind`. */
  async withdraw(graph, view) {
    const { entries, belongings } = await haulerStore(view);
    const kept: string[] = [];
    const holding = new Set<string>();
    const going: KindEntry[] = [];
    for (const belonging of belongings) {
      const { position, descriptor, tag } = belonging.opened.entry;
      const edge = belongingEdge(belonging);
      const isHeld = edge !== undefined && graph.has(edge.subject, edge.referrer.digest);
      if (isHeld && isPlainBelonging(belonging.opened.entry)) going.push({ entry: belonging.opened.entry, own: BELONGING_NAMES });
      else {
        holding.add(tag ?? "");
        const why = isHeld ? "it holds more than a record" : "no other record holds its link";
        kept.push(`index.json entry ${position} (${descriptor.digest}) is kept: ${why}`);
      }
    }
    const images = entries.filter(({ entry }) => isParentRole(entryKind(entry)!.role) && !holding.has(entry.tag ?? ""));
    const changes = withdrawKinds(view, [...going, ...images.map(({ entry }) => ({ entry, own: [] }))], isHaulerAnnotation);
    return projection({ changes, kept });
  },
};

/** Returns the entry by whose name others can belong to an image: one with a hauler `kind`, else any with a tag of its own. */
function parentOf(entries: readonly IndexEntry[]): IndexEntry | undefined {
  const tagged = entries.filter((e) => e.tag !== undefined && parseDigestTag(e.tag) === undefined);
  return tagged.find((e) => entryKind(e)?.family === "hauler") ?? tagged.find((e) => entryKind(e) === undefined) ?? tagged[0];
}

function namesOf({ tag, descriptor }: IndexEntry): Record<string, string> {
  const name = descriptor.annotations?.[CONTAINERD_IMAGE_NAME];
  return { [REF_NAME]: tag!, ...(name !== undefined && { [CONTAINERD_IMAGE_NAME]: name }) };
}

/** Returns the occupant of each slot: a role under the name of one image. */
function holdersIn({ belongings }: HaulerStore): Map<string, SlotOccupant> {
  return new Map(
    belongings.flatMap((belonging) => {
      const { opened, images } = belonging;
      if (images.length !== 1) return [];
      const { position, descriptor } = opened.entry;
      const isReferrer = belongingEdge(belonging) !== undefined;
      const holder = { digest: descriptor.digest, isReferrer, at: `index.json entry ${position}` };
      return [[`${entryKind(opened.entry)!.role} of ${images[0]}`, holder] as const];
    }),
  );
}

/** Why nothing can be made to belong to an image of that name; `named` are all images that have it or would. */
function obstacle(subject: Digest, name: string | undefined, named: readonly Digest[]): string[] {
  if (name === undefined) return [`hauler finds what belongs to an image by its name, and ${subject} has none: give it a tag`];
  const other = named.find((d) => d !== subject);
  return other === undefined ? [] : [`the name ${name} belongs to ${other} as well as to ${subject}: hauler cannot tell them apart`];
}

/** The entry that tells hauler of the image itself. */
function asImage(parent: IndexEntry | undefined): IndexChange[] {
  if (parent === undefined || entryKind(parent)?.family === "hauler") return [];
  const { descriptor } = parent;
  return [addEntry(descriptor.digest, descriptor, { ...namesOf(parent), [KIND]: HAULER_PREFIX + imageRole(descriptor) })];
}
