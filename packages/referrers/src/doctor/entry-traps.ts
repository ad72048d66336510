import { isUnlisted } from "../graph/edge.js";
import { CONTAINERD_SUBJECT, type IndexEntry, KIND } from "@ocilot/layout/spec";
import { rootImages } from "../conventions/root-images.js";
import { EdgeSet } from "../graph/edge-set.js";
import { findLists, unconfirmedLines } from "../records/referrer-lists.js";
import { findConvention } from "../conventions/registry.js";
import { recordKeys } from "../records/record-keys.js";
import { parseReferrersTag } from "../records/referrers-tag.js";
import { type Examination, type Symptom, type TrapLocation, symptom } from "./examination.js";

/** Traps of entries of `index.json`: how other programs treat those without a tag. */
export async function entryTraps(examination: Examination): Promise<Symptom[]> {
  const { view, graph } = examination;
  const { records: listed } = await findLists(view);
  const lists = new Set(listed.map((r) => r.entry.position));
  const roots = await rootImages(graph, view);
  const untagged = view.entries.filter((e) => e.tag === undefined);
  const isMarked = (e: IndexEntry): boolean => e.descriptor.annotations?.[CONTAINERD_SUBJECT] !== undefined;
  const junk = view.entries.filter((e) => lists.has(e.position) || (e.tag === undefined && !isMarked(e)));
  const isTag = (e: IndexEntry): boolean => e.tag !== undefined && parseReferrersTag(e.tag) === undefined;
  const root = [...roots.values()][0] ?? view.entries[0];
  const fixForImport = async (): Promise<[fix?: string, tag?: string]> => {
    if (junk.every((e) => roots.get(e.descriptor.digest) === e)) return ["ocilot tag LAYOUT@DIGEST NAME"];
    const records = await recordKeys(graph, view);
    const unconfirmed = listed.flatMap(unconfirmedLines);
    // A conversion removes confirmed records only; a copy of the image leaves other entries behind.
    if (unconfirmed.length === 0 && listed.every((r) => r.subjects.length > 0) && junk.every((e) => records.has(e.position))) return [];
    const copy = "ocilot copy LAYOUT:TAG NEW --convention containerd";
    const command = unconfirmed.some(({ node }) => node.state === "absent") ? `${copy} --allow-missing` : copy;
    const tag = view.entries.find(isTag)?.tag;
    if (tag !== undefined) return [command, tag];
    const [image] = roots.keys();
    return image === undefined ? [] : [`ocilot tag LAYOUT@${image} latest && ${command}`, "latest"];
  };
  return [
    ...symptom("NO_TAGS", root === undefined || view.entries.some(isTag) ? [] : [{ ...at(root), message: "index.json has no tag" }]),
    ...symptom(
      "UNTAGGED_ENTRIES",
      junk.map((e) => ({
        ...at(e),
        message: `${e.descriptor.digest} ${lists.has(e.position) ? "is a list" : "is untagged and without the io.containerd.manifest.subject annotation"}`,
      })),
      ...(await fixForImport()),
    ),
    ...symptom("HAULER_DROPS", await droppedByHauler(examination, untagged)),
    ...symptom("SKOPEO_REPLACES", ...replaceable(examination, untagged, lists)),
  ];
}

/** Entries that hauler drops, and whose link no name records. */
async function droppedByHauler({ view, graph }: Examination, untagged: readonly IndexEntry[]): Promise<TrapLocation[]> {
  const hauler = findConvention("hauler")!;
  if ((await hauler.detect(view)).entries.length === 0) return [];
  const held = new EdgeSet(await hauler.read(view));
  const loose = new Set<string>(graph.edges().flatMap((e) => (held.has(e) ? [] : e.referrer.digest)));
  const dropped = untagged.filter((e) => loose.has(e.descriptor.digest));
  return dropped.map((e) => ({ ...at(e), message: `${e.descriptor.digest} has no name that hauler keeps` }));
}

/** Entries whose annotations alone record a link, or without which cosign does not know the image. */
function replaceable(
  { unlifted, links }: Examination,
  untagged: readonly IndexEntry[],
  lists: ReadonlySet<number>,
): [TrapLocation[], string | undefined] {
  // A manifest of a withdrawn type names its subject itself.
  const nameless = unlifted.filter((e) => e.link === "N");
  const positions = new Set(nameless.flatMap((e) => e.evidence.flatMap((v) => (v.within === undefined ? (v.position ?? []) : []))));
  const needsKinds = unlifted.length > 0 || links.some(isUnlisted);
  const isHeld = (e: IndexEntry): boolean => positions.has(e.position) || (needsKinds && e.descriptor.annotations?.[KIND] !== undefined);
  const found = untagged.filter((e) => !lists.has(e.position) && isHeld(e));
  const places = found.map((e) => ({ ...at(e), message: `${e.descriptor.digest} is linked to others only by annotations of its entry` }));
  return [places, nameless.length === 0 ? "ocilot tag LAYOUT@DIGEST NAME" : undefined];
}

function at({ position, descriptor }: IndexEntry): Pick<TrapLocation, "position" | "digest"> {
  return { position, digest: descriptor.digest };
}
