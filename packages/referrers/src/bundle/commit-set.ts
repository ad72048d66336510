import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, compareDigests, errnoOf, replaceFile } from "@ocilot/layout";
import type { RootEntry } from "../copy/copied-entries.js";
import { recordCopy } from "../copy/record-copy.js";
import { type CopySelection, selectCopy } from "../copy/select-copy.js";
import { transferContent } from "../copy/transfer-blobs.js";
import { surelyMissing } from "../verify/find-content.js";
import type { BlobSize } from "./bundle-document.js";
import type { BundleTarget } from "./bundle-target.js";
import { plainDescriptors } from "./open-bundle.js";
import type { Place, PlacedRoot } from "./place.js";
import type { ReceiveOptions, ReceivedSet } from "./received-set.js";
import { fullName } from "./stage-bundle.js";
import { type KeptReason, type TagHistory, judgeTag, ledgerText, noteTag, parseLedger } from "./tag-ledger.js";

/** A tag that stays where the destination has it. */
export interface KeptTag {
  readonly tag: string;
  readonly reason: KeptReason;
  /** What the bundle has under it; it is stored without the tag. */
  readonly digest: Digest;
  /** What the destination keeps. */
  readonly current: Digest;
}

/** What a complete set may change at its destination. */
export interface CommitOptions extends ReceiveOptions {
  /** Move every tag to what the bundle has, also back. */
  readonly forceTags?: boolean;
  /** Milliseconds to wait for another writer. */
  readonly wait?: number;
}

/** The file of a destination's state that tells what bundles did to its tags. */
const LEDGER_FILE = "tags.json";

/**
 * Returns the tags that bundles have set at a destination, by place: where each points to and its name in the bundles.
 * @example
 * ```ts
 * import { directoryTarget, setTags } from "@ocilot/referrers";
 *
 * const target = directoryTarget("./layout");
 * for (const [place, tags] of await setTags(target.state)) console.log(place, tags);
 * ```
 */
export async function setTags(state: string): Promise<Map<string, { readonly tag: string; readonly name?: string }[]>> {
  const places = new Map<string, { tag: string; name?: string }[]>();
  for (const [key, { name }] of parseLedger(await readLedger(state))) {
    const end = key.indexOf(" ");
    const place = key.slice(0, end);
    places.set(place, [...(places.get(place) ?? []), { tag: key.slice(end + 1), ...(name !== undefined && { name }) }]);
  }
  return places;
}

/** Returns the blobs of a set that a place lacks. What another place of the same registry holds is taken over from there. */
export async function lackingBlobs(places: readonly Place[], { signal }: ReceiveOptions): Promise<BlobSize[]> {
  const lacking = new Map<Digest, BlobSize>();
  for (const place of places) {
    let missing = await surelyMissing(place.layout, plainDescriptors(place.blobs), signal);
    for (const other of places) {
      if (missing.length === 0 || other === place) continue;
      missing = (await place.layout.blobs.mount?.(other.layout.blobs, missing, signal && { signal })) ?? missing;
    }
    for (const { digest, size } of missing) lacking.set(digest, { digest, size });
  }
  return [...lacking.values()].toSorted((a, b) => compareDigests(a.digest, b.digest));
}

/**
 * Makes a complete set visible: copies its manifests and lists its roots and referrers, place by place, each in one replacement of
 * `index.json`. Tags that later bundles or other people have moved stay.
 * @throws OcilotError `CONVERSION_REFUSED`, `BLOB_NOT_FOUND` if content went meanwhile, and what writing throws
 */
export async function commitSet(
  set: ReceivedSet,
  places: readonly Place[],
  target: BundleTarget,
  options: CommitOptions,
): Promise<KeptTag[]> {
  const path = join(target.state, LEDGER_FILE);
  const before = await readLedger(target.state);
  const ledger = parseLedger(before);
  const kept: KeptTag[] = [];
  for (const place of places) {
    const source = await set.layoutOver(place);
    const digests = [...new Set(place.roots.map((r) => r.descriptor.digest))];
    const selection = await selectCopy(source, {
      references: digests.map((d) => `@${d}`),
      withoutLists: !place.layout.keepsEntries,
      ...(options.signal && { signal: options.signal }),
    });
    const tags = await currentTags(place);
    const judged = place.roots.map((placed) => judge(placed, place.name, tags, ledger, set, options));
    await transferContent(source, place.layout, selection, options.signal === undefined ? {} : { signal: options.signal });
    await recordCopy(source, { ...selection, roots: rootEntries(judged, selection) }, place.layout, { ...options, force: true });
    kept.push(...judged.flatMap((j) => j.kept ?? []));
  }
  const after = ledgerText(ledger);
  if (after !== before) await replaceFile(target.state, path, new TextEncoder().encode(after), { sync: options.sync ?? true });
  return kept;
}

async function readLedger(state: string): Promise<string> {
  try {
    return await readFile(join(state, LEDGER_FILE), "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return "";
    throw error;
  }
}

interface JudgedRoot {
  readonly placed: PlacedRoot;
  readonly tag?: string;
  readonly kept?: KeptTag;
}

function judge(
  placed: PlacedRoot,
  place: string,
  tags: ReadonlyMap<string, Digest>,
  ledger: Map<string, TagHistory>,
  { document }: ReceivedSet,
  { forceTags = false }: CommitOptions,
): JudgedRoot {
  const { tag, root } = placed;
  if (tag === undefined) return { placed };
  const key = `${place} ${tag}`;
  const wanted = {
    digest: root.digest,
    name: fullName(root)!,
    ...(document.created !== undefined && { created: document.created }),
    ...(root.was !== undefined && { was: root.was }),
  };
  const current = tags.get(tag);
  const history = ledger.get(key);
  const verdict = forceTags ? "set" : judgeTag(wanted, current, history);
  const noted = noteTag(history, wanted, verdict);
  if (noted !== undefined) ledger.set(key, noted);
  if (verdict === "set") return { placed, tag };
  return { placed, kept: { tag, reason: verdict, digest: root.digest, current: current! } };
}

async function currentTags({ layout }: Place): Promise<Map<string, Digest>> {
  return new Map((await layout.index.read()).entries.flatMap((e) => (e.tag === undefined ? [] : [[e.tag, e.descriptor.digest] as const])));
}

/** The roots under their names at the place. One that keeps no name is listed without, unless another entry lists it. */
function rootEntries(judged: readonly JudgedRoot[], selection: CopySelection): RootEntry[] {
  const shares = new Map(selection.roots.map((r) => [r.descriptor.digest, r.share]));
  const named = new Set(judged.flatMap((j) => (j.tag === undefined ? [] : j.placed.root.digest)));
  return judged
    .filter((j) => j.tag !== undefined || !named.has(j.placed.root.digest))
    .map(({ placed: { descriptor }, tag }): RootEntry => {
      const share = shares.get(descriptor.digest);
      return { descriptor, ...(tag !== undefined && { tag }), ...(share !== undefined && { share }) };
    });
}
