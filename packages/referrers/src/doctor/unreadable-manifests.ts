import type { Layout } from "@ocilot/layout/web";
import { type Descriptor, type Digest, type OcilotError, isOcilotError } from "@ocilot/layout/spec";
import { parseReferrersTag } from "../records/referrers-tag.js";
import { FINDINGS } from "../verify/finding-codes.js";
import { ownMediaType } from "../view/own-media-type.js";
import { manifestOf } from "../view/layout-view.js";
import { type Examination, type Symptom, type TrapLocation, symptom } from "./examination.js";

/** A manifest that a tool cannot read, with the error where ocilot cannot read it either. */
export interface UnreadablePlace extends TrapLocation {
  readonly digest: Digest;
  readonly error?: OcilotError;
  /** The descriptor by which it cannot be read, if it is that of an entry of `index.json`. */
  readonly entry?: Descriptor;
}

/**
 * Returns the symptoms of manifests that block oras, by what helps: content that is damaged comes from another copy, and what an entry of
 * `index.json` states wrongly is corrected. Where the content is that of its digest (a member in other letters, a wrong descriptor in another
 * manifest, an algorithm that oras does not know) every copy is the same, and only a layout without it helps.
 */
export async function unreadableManifests(examination: Examination, places: readonly UnreadablePlace[]): Promise<Symptom[]> {
  const [damaged, misstated, faithful]: [TrapLocation[], TrapLocation[], TrapLocation[]] = [[], [], []];
  for (const { error, entry, ...place } of places) {
    const isDamaged = await isDamage(examination.layout, place.digest, error);
    const message = isDamaged || entry === undefined ? undefined : await misstatement(examination.layout, entry, place.position);
    if (message !== undefined) misstated.push({ ...place, message });
    else (isDamaged ? damaged : faithful).push(place);
  }
  const tag = faithful.length === 0 ? undefined : await soundTag(examination, new Set(places.map((p) => p.digest)));
  const fix =
    tag === undefined
      ? "report it to the author of the manifest: its digest is right, so that no other copy is better"
      : "ocilot copy LAYOUT:TAG NEW";
  return [
    ...symptom("MANIFEST_UNREADABLE", damaged),
    ...symptom("MANIFEST_UNREADABLE", misstated, FINDINGS.SIZE_MISMATCH.fix),
    ...symptom("MANIFEST_UNREADABLE", faithful, fix, tag),
  ];
}

/** What an entry of `index.json` states wrongly of a whole manifest, which `repair` corrects; undefined if the entry is right. */
async function misstatement(layout: Layout, d: Descriptor, position: number | undefined): Promise<string | undefined> {
  const found = (await layout.blobs.size(d.digest)) ?? d.size;
  const own = (await ownMediaType(layout, d.digest, found)) ?? d.mediaType;
  if (found === d.size && own === d.mediaType) return undefined;
  return `index.json entry ${position} states ${d.mediaType} of ${d.size} bytes; ${d.digest} is ${own} of ${found}`;
}

async function isDamage(layout: Layout, digest: Digest, error: OcilotError | undefined): Promise<boolean> {
  if (isOcilotError(error, "BLOB_CORRUPT")) return true;
  if (!isOcilotError(error, "SIZE_MISMATCH")) return false;
  const size = await layout.blobs.size(digest);
  if (size === undefined) return true;
  const [content] = await layout.blobs.bytesMany([{ mediaType: "application/octet-stream", digest, size }]);
  return isOcilotError(content);
}

/** A tag whose image leads to none of these manifests: a copy of it is a layout that oras opens. */
async function soundTag(examination: Examination, unreadable: ReadonlySet<Digest>): Promise<string | undefined> {
  const tagged = examination.view.entries.filter(({ tag }) => tag !== undefined && parseReferrersTag(tag) === undefined);
  const parents = await parentsBelow(
    examination,
    tagged.map((e) => e.descriptor),
  );
  const affected = new Set<Digest>(unreadable);
  for (const digest of affected) for (const parent of parents.get(digest) ?? []) affected.add(parent);
  return tagged.find((e) => !affected.has(e.descriptor.digest))?.tag;
}

/** What leads to each manifest that the roots lead to, looked at once however many of them do. */
async function parentsBelow({ view, graph }: Examination, roots: readonly Descriptor[]): Promise<ReadonlyMap<Digest, readonly Digest[]>> {
  const parents = new Map<Digest, Digest[]>();
  const seen = new Set<Digest>();
  for (let level = roots; level.length > 0;) {
    const fresh = level.filter((d) => !seen.has(d.digest) && seen.add(d.digest));
    const below: Descriptor[] = [];
    for (const node of await view.nodes(fresh)) {
      const { digest } = node.descriptor;
      for (const child of [...(manifestOf(node)?.manifests ?? []), ...graph.of(digest).map((e) => e.referrer)]) {
        const known = parents.get(child.digest);
        if (known === undefined) parents.set(child.digest, [digest]);
        else known.push(digest);
        below.push(child);
      }
    }
    level = below;
  }
  return parents;
}
