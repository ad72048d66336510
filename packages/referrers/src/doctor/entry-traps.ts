import { CONTAINERD_SUBJECT, type IndexEntry, KIND } from "@ocilot/layout/spec";
import { rootsOf } from "../conventions/roots.js";
import { EdgeSet } from "../edge-set.js";
import { findLists } from "../lists.js";
import { findConvention } from "../conventions/registry.js";
import { recordKeys } from "../records.js";
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
  const cureForImport = async (): Promise<[fix?: string, tag?: string]> => {
    if (junk.every((e) => roots.get(e.descriptor.digest) === e)) return ["ocilot tag LAYOUT@DIGEST NAME"];
    const records = await recordKeys(graph, view);
    // What nobody's record is no conversion takes away; a copy of the image leaves it behind.
    const tag = junk.every((e) => records.has(e.position)) ? undefined : view.entries.find(isTag)?.tag;
    return tag === undefined ? [] : ["ocilot copy LAYOUT:TAG NEW --convention containerd", tag];
  };
  return [
    ...symptom("NO_TAGS", root === undefined || view.entries.some(isTag) ? [] : [{ ...at(root), message: "index.json has no tag" }]),
    ...symptom(
      "UNTAGGED_ENTRIES",
      junk.map((e) => ({ ...at(e), message: `${e.descriptor.digest} ${lists.has(e.position) ? "is a list" : "has no tag and no mark"}` })),
      ...(await cureForImport()),
    ),
    ...symptom("HAULER_DROPS", await droppedByHauler(examination, untagged)),
    ...symptom("SKOPEO_REPLACES", ...replaceable(examination, untagged, lists)),
  ];
}

/** Entries that hauler drops, and whose link it would not have by a name. */
async function droppedByHauler({ view, graph }: Examination, untagged: readonly IndexEntry[]): Promise<TrapPlace[]> {
  const hauler = findConvention("hauler")!;
  if ((await hauler.detect(view)).entries.length === 0) return [];
  const held = new EdgeSet(await hauler.read(view));
  const loose = new Set<string>(graph.edges().flatMap((e) => (held.has(e) ? [] : e.referrer.digest)));
  const dropped = untagged.filter((e) => loose.has(e.descriptor.digest));
  return dropped.map((e) => ({ ...at(e), message: `${e.descriptor.digest} has no name of hauler's` }));
}

/** Entries whose annotations alone make a link that nothing else makes, or without which cosign does not know the image. */
function replaceable(
  { unlifted, links }: Examination,
  untagged: readonly IndexEntry[],
  lists: ReadonlySet<number>,
): [TrapPlace[], string | undefined] {
  const positions = new Set(unlifted.flatMap((e) => e.evidence.flatMap((v) => (v.within === undefined ? (v.position ?? []) : []))));
  const needsKinds = unlifted.length > 0 || links.some((e) => e.evidence.every((v) => v.convention === "unlisted"));
  const isHeld = (e: IndexEntry): boolean => positions.has(e.position) || (needsKinds && e.descriptor.annotations?.[KIND] !== undefined);
  const found = untagged.filter((e) => !lists.has(e.position) && isHeld(e));
  const places = found.map((e) => ({ ...at(e), message: `${e.descriptor.digest} is tied to others by annotations of its entry alone` }));
  return [places, unlifted.length === 0 ? "ocilot tag LAYOUT@DIGEST NAME" : undefined];
}

function at({ position, descriptor }: IndexEntry): Pick<TrapPlace, "position" | "digest"> {
  return { position, digest: descriptor.digest };
}
