import type { Convention } from "./convention.js";
import { type IndexChange, type UnrepresentableLink, type Projection, projection } from "../records/projection.js";
import type { ConventionId, ReferrerEdge } from "../graph/edge.js";
import { EdgeSet } from "../graph/edge-set.js";
import { IndexDraft } from "../records/index-draft.js";
import { LIST_ANNOTATION_KEYS } from "../records/list-annotations.js";
import { type ListRecord, findLists } from "../records/referrer-lists.js";
import { isPlainListEntry } from "../records/entry-annotations.js";
import type { LayoutView } from "../view/layout-view.js";
import { containerd } from "./containerd.js";
import { imageSpec } from "./image-spec.js";
import { olareg } from "./olareg.js";
import { oras } from "./oras.js";
import { regclient } from "./regclient.js";
import { perView } from "../view/per-view.js";

/** What `universal` is made of. */
export const UNIVERSAL_PARTS: readonly Convention[] = [oras, containerd, regclient, olareg, imageSpec];

/** All five at once, sharing entries: every reader finds every referrer, and no collector eats one. */
export const universal: Convention = {
  id: "universal",
  title: "all of oras, containerd, regclient, olareg and image-spec at once",
  traits: { shape: "individual", nEdges: false, target: true },

  /** In use if all parts but oras are, with their flags: the entries of oras carry containerd's annotation here. */
  detect: perView(async (view) => {
    const detections = await Promise.all([containerd, regclient, olareg, imageSpec].map((part) => part.detect(view)));
    const flags = detections.flatMap((d) => d.flags);
    const isInUse = flags.length === 2 && detections.every((d) => d.entries.length > 0);
    return { entries: isInUse ? detections[0]!.entries : [], flags: isInUse ? flags : [], problems: [] };
  }),

  /** The edges that each of the five states. */
  async read(view) {
    const parts: (readonly ReferrerEdge[])[] = [];
    for (const part of UNIVERSAL_PARTS) parts.push(await part.read(view));
    const last = parts.pop()!;
    const others = parts.map((edges) => new EdgeSet(edges));
    return last.filter((edge) => others.every((other) => other.has(edge)));
  },

  async project(graph, view) {
    const partLosses = new Map<ConventionId, readonly UnrepresentableLink[]>();
    const project = (part: Convention) => async (v: LayoutView) => {
      const projected = await part.project(graph, v);
      partLosses.set(part.id, projected.losses);
      return projected;
    };
    // Lists first: a replaced list that was itself a subject is no longer listed, and oras has to list it.
    const turns = [...[regclient, olareg, imageSpec].map(project), mergeTwins, ...[oras, containerd].map(project)];
    return { ...(await inTurn(view, turns)), partLosses };
  },

  async withdraw(graph, view) {
    return await inTurn(
      view,
      [containerd, regclient, olareg, imageSpec, oras].map((part) => (v: LayoutView) => part.withdraw(graph, v)),
    );
  },
};

/** Applies several projections in turn, each over the result of the one before, and returns their sum. */
async function inTurn(view: LayoutView, turns: readonly ((view: LayoutView) => Promise<Projection>)[]): Promise<Projection> {
  const draft = new IndexDraft(view);
  const losses = new Map<string, UnrepresentableLink>();
  const refusals = new Set<string>();
  const kept: string[] = [];
  for (const turn of turns) {
    const part = await turn(draft.view());
    draft.apply(part);
    for (const loss of part.losses) losses.set(`${loss.subject} ${loss.referrer}`, loss);
    for (const refusal of part.refusals) refusals.add(refusal);
    kept.push(...part.kept);
  }
  return projection({ ...draft.projection(), losses: [...losses.values()], refusals: [...refusals], kept });
}

/** Two entries of one list become one: oras drops an untagged entry whose manifest a tag names too. */
async function mergeTwins(view: LayoutView): Promise<Projection> {
  const groups = new Map<string, Map<number, ListRecord>>();
  for (const record of (await findLists(view)).records) {
    // All empty lists are one blob, so the digest alone does not make two entries twins.
    const key = `${record.entry.descriptor.digest} ${record.subjects.join(" ")}`;
    const group = groups.get(key) ?? new Map<number, ListRecord>();
    groups.set(key, group.set(record.entry.position, record));
  }
  const changes: IndexChange[] = [];
  for (const group of groups.values()) {
    const [keeper, ...twins] = [...group.values()].toSorted(
      (a, b) => Number(b.entry.tag !== undefined) - Number(a.entry.tag !== undefined),
    );
    const marks: Record<string, string> = {};
    for (const { entry } of twins) {
      if (entry.tag !== undefined || !isPlainListEntry(entry) || clashes(keeper!, entry.descriptor.annotations ?? {})) continue;
      for (const key of LIST_ANNOTATION_KEYS) {
        const value = entry.descriptor.annotations?.[key];
        if (value !== undefined) marks[key] = value;
      }
      changes.push({ op: "remove", position: entry.position });
    }
    if (Object.keys(marks).length > 0) changes.push({ op: "annotate", position: keeper!.entry.position, set: marks });
  }
  return projection({ changes });
}

/** Two subjects may share one list (a shortened tag); one entry cannot carry the annotations of both. */
function clashes(keeper: ListRecord, marks: Readonly<Record<string, string>>): boolean {
  return LIST_ANNOTATION_KEYS.some((key) => {
    const mine = keeper.entry.descriptor.annotations?.[key];
    return mine !== undefined && marks[key] !== undefined && mine !== marks[key];
  });
}
