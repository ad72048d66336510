import { CONTAINERD_SUBJECT, type IndexEntry, KIND } from "@ocilot/layout/spec";
import { rootsOf } from "../conventions/roots.js";
import { edgeKey } from "../edge.js";
import { findLists } from "../lists.js";
import { findConvention } from "../conventions/registry.js";
import { parseReferrersTag } from "../referrers-tag.js";
import { type Examination, type Symptom, type TrapPlace, symptom } from "./examination.js";

/** Traps of entries of `index.json`: what other programs make of those without a tag. */
export async function entryTraps(examination: Examination): Promise<Symptom[]> {
  const { view, graph } = examination;
  const lists = new Set((await findLists(view)).records.map((r) => r.entry.position));
  const roots = await rootsOf(graph, view);
  const untagged = view.entries.filter((e) => e.tag === undefined);
  const isMarked = (e: IndexEntry): boolean => e.descriptor.annotations?.[CONTAINERD_SUBJECT] !== undefined;
  const junk = view.entries.filter((e) => lists.has(e.position) || (e.tag === undefined && !isMarked(e)));
  const isTag = (e: IndexEntry): boolean => e.tag !== undefined && parseReferrersTag(e.tag) === undefined;
  const root = [...roots.values()][0] ?? view.entries[0];
  return [
    ...symptom("NO_TAGS", root === undefined || view.entries.some(isTag) ? [] : [{ ...at(root), message: "index.json has no tag" }]),
    ...symptom(
      "UNTAGGED_ENTRIES",
      junk.map((e) => ({ ...at(e), message: `${e.descriptor.digest} ${lists.has(e.position) ? "is a list" : "has no tag and no mark"}` })),
      junk.every((e) => roots.get(e.descriptor.digest) === e) ? "ocilot tag LAYOUT@DIGEST NAME" : undefined,
    ),
    ...symptom("HAULER_DROPS", await droppedByHauler(examination, untagged)),
    ...symptom("SKOPEO_REPLACES", ...replaceable(examination, untagged, lists)),
  ];
}

/** Entries that hauler drops, and whose link it would not have by a name. */
async function droppedByHauler({ view, graph }: Examination, untagged: readonly IndexEntry[]): Promise<TrapPlace[]> {
  const hauler = findConvention("hauler")!;
  if ((await hauler.detect(view)).entries.length === 0) return [];
  const held = new Set<string>();
  for await (const edge of hauler.read(view)) held.add(edgeKey(edge));
  const loose = new Set<string>(graph.edges().flatMap((e) => (held.has(edgeKey(e)) ? [] : e.referrer.digest)));
  const dropped = untagged.filter((e) => loose.has(e.descriptor.digest));
  return dropped.map((e) => ({ ...at(e), message: `${e.descriptor.digest} has no name of hauler's` }));
}

/** Entries whose annotations alone make a link: those of links without a subject, and images that `kind` calls so. */
function replaceable(
  { unlifted, graph }: Examination,
  untagged: readonly IndexEntry[],
  lists: ReadonlySet<number>,
): [TrapPlace[], string | undefined] {
  const positions = new Set(unlifted.flatMap((e) => e.evidence.flatMap((v) => (v.within === undefined ? (v.position ?? []) : []))));
  const isHeld = (e: IndexEntry): boolean => positions.has(e.position) || e.descriptor.annotations?.[KIND] !== undefined;
  const found = untagged.filter((e) => !lists.has(e.position) && isHeld(e));
  const places = found.map((e) => ({ ...at(e), message: `${e.descriptor.digest} is tied to others by annotations of its entry alone` }));
  const isRoot = found[0] !== undefined && !graph.edges().some((e) => e.link === "N");
  return [places, isRoot ? "ocilot tag LAYOUT@DIGEST NAME" : undefined];
}

function at({ position, descriptor }: IndexEntry): Pick<TrapPlace, "position" | "digest"> {
  return { position, digest: descriptor.digest };
}
