import { type ArchiveOptions, type Digest, OcilotError, ioError } from "@ocilot/layout";
import type { BlobSize, BundleDocument } from "./bundle-document.js";
import { bundleReceipt } from "./bundle-receipt.js";
import type { BundleTarget } from "./bundle-target.js";
import { type CommitOptions, type KeptTag, commitSet, lackingBlobs } from "./commit-set.js";
import { joinPieces, landPart } from "./land-part.js";
import { type OpenBundle, damagedPart, hintForPart, inMessages, isDamage, openBundle } from "./open-bundle.js";
import { commonName } from "./part-names.js";
import { type Place, closePlaces, openPlaces } from "./place.js";
import { ReceivedSet } from "./received-set.js";
import { fullName } from "./stage-bundle.js";

/** How bundles are read, and what they may change. */
export interface UnbundleOptions extends CommitOptions, Pick<ArchiveOptions, "maxSize" | "tempDir"> {
  /** Called once for each set before anything of it is stored, with the digest of its receipt; what it throws refuses the set. */
  readonly verify?: (receipt: Digest, file: string) => Promise<void>;
  /** Called with the number of bytes stored or found in the file that is being read. */
  readonly onProgress?: (event: { readonly file: string; readonly bytes: number; readonly totalBytes: number }) => void;
}

/** What became of one set of files. */
export interface SetResult {
  readonly set: Digest;
  readonly created?: string;
  /** The names in the bundle. */
  readonly names: readonly string[];
  /** Incomplete: nothing of it is listed yet. */
  readonly state: "merged" | "incomplete";
  /** The files that have not arrived. */
  readonly missingParts: readonly string[];
  /** Blobs that the bundle relies on, which the destination does not have. */
  readonly missing: readonly BlobSize[];
  /** The receipts that say the destination has them. */
  readonly since: readonly Digest[];
  /** Tags that were not moved. */
  readonly kept: readonly KeptTag[];
}

/** What reading files of bundles came to. */
export interface UnbundleResult {
  /** The sets of these files, and those of earlier runs that were waiting for more. */
  readonly sets: readonly SetResult[];
  /** Files that are damaged; the others were taken. */
  readonly damaged: readonly { readonly file: string; readonly message: string; readonly hint?: string }[];
  /** Bytes of blobs that were written. */
  readonly written: number;
}

/**
 * Brings the files of bundles into a destination, in any order and in several runs: blobs are stored as they are read, each checked, and a
 * set becomes visible when everything that it lists is there. The result does not depend on the order, and a second run changes nothing.
 * After a crash the same call goes on.
 * @throws OcilotError `WRITE_REFUSED` for a part of another set with the same name, and what reading and writing throws
 * @example
 * ```ts
 * import { directoryTarget, unbundle } from "@ocilot/referrers";
 *
 * const { sets, damaged } = await unbundle(["./images-1.tar", "./images-2.tar"], directoryTarget("./layout"));
 * for (const { names, state, missingParts } of sets) console.log(names, state, missingParts);
 * for (const { file, message } of damaged) console.log(file, message);
 * ```
 */
export async function unbundle(files: readonly string[], target: BundleTarget, options: UnbundleOptions = {}): Promise<UnbundleResult> {
  try {
    return await receive(files, target, options);
  } catch (error) {
    throw ioError(error, target.state);
  }
}

async function receive(files: readonly string[], target: BundleTarget, options: UnbundleOptions): Promise<UnbundleResult> {
  const damaged: UnbundleResult["damaged"][number][] = [];
  const seen = new Map<string, { set: Digest; file: string }>();
  const verified = new Set<Digest>();
  let written = 0;
  const guard = async <T>(file: string, action: () => Promise<T>, part?: BundleDocument): Promise<T | undefined> => {
    try {
      return await action();
    } catch (error) {
      if (!isDamage(error)) throw error;
      const name = inMessages(file);
      const message = error.message.includes(name) ? error.message : `${name} is damaged: ${error.message}`;
      const hint = part === undefined ? error.hint : hintForPart(part);
      damaged.push({ file, message, ...(hint !== undefined && { hint }) });
      return undefined;
    }
  };
  await ReceivedSet.sweep(target.state);
  for (const file of files) {
    const bundle = await guard(file, async () => await openBundle(file, options));
    if (bundle === undefined) continue;
    try {
      refuseOtherSet(bundle, seen);
      const { set: digest } = bundle.document;
      if (options.verify !== undefined && !verified.has(digest)) {
        if ((await guard(file, async () => await verifySet(bundle, options.verify!))) === undefined) continue;
        verified.add(digest);
      }
      await target.prepare();
      const set = await guard(file, async () => await ReceivedSet.of(target.state, bundle, options));
      if (set === undefined) continue;
      const places = await openPlaces(set, target);
      try {
        written += (await guard(file, async () => await takeFile(bundle, set, places, options), bundle.document)) ?? 0;
      } finally {
        await closePlaces(places);
      }
    } finally {
      await bundle.layout.close();
    }
  }
  const results = new Map<Digest, SetResult>();
  // What one set brought may be what another was waiting for.
  for (let before = -1; before !== countMerged(results);) {
    before = countMerged(results);
    for (const set of await ReceivedSet.all(target.state)) {
      const places = await openPlaces(set, target);
      try {
        await guard(set.document.parts[0]!.name, async () => await joinPieces(set, places, options));
        results.set(set.document.set, await finishSet(set, places, target, options));
      } finally {
        await closePlaces(places);
      }
    }
  }
  return { sets: [...results.values()], damaged, written };
}

function countMerged(results: ReadonlyMap<Digest, SetResult>): number {
  return [...results.values()].filter((r) => r.state === "merged").length;
}

async function takeFile(bundle: OpenBundle, set: ReceivedSet, places: readonly Place[], options: UnbundleOptions): Promise<number> {
  const totalBytes = bundle.part.blobs.reduce((sum, b) => sum + b.size, bundle.part.piece?.length ?? 0);
  let bytes = 0;
  const onBytes = (n: number): void => options.onProgress?.({ file: bundle.file, bytes: (bytes += n), totalBytes });
  return await landPart(bundle, set, places, { ...options, onBytes });
}

/** Makes a set visible if everything is there, and says what is not. */
async function finishSet(set: ReceivedSet, places: readonly Place[], target: BundleTarget, options: UnbundleOptions): Promise<SetResult> {
  const { document } = set;
  const lacking = await lackingBlobs(places, options);
  const result = {
    set: document.set,
    ...(document.created !== undefined && { created: document.created }),
    names: document.roots.flatMap((r) => fullName(r) ?? []),
  };
  if (lacking.length > 0) {
    const absent = new Set(document.absent.map((b) => b.digest));
    const missing = lacking.filter((b) => absent.has(b.digest));
    const missingParts = await partsOf(set, lacking);
    return { ...result, state: "incomplete", missingParts, missing, since: missing.length > 0 ? document.since : [], kept: [] };
  }
  const kept = await commitSet(set, places, target, options);
  await set.remove(target.state);
  return { ...result, state: "merged", missingParts: [], missing: [], since: [], kept };
}

/** The files that hold what is lacking; of pieces only those that have not arrived. */
async function partsOf(set: ReceivedSet, lacking: readonly BlobSize[]): Promise<string[]> {
  const digests = new Set(lacking.map((b) => b.digest));
  const names: string[] = [];
  for (const { name, blobs, piece } of set.document.parts) {
    const lacksPiece = piece !== undefined && digests.has(piece.digest) && !(await set.hasPiece(piece));
    if (lacksPiece || blobs.some((b) => digests.has(b.digest))) names.push(name);
  }
  return names;
}

/** Parts of two sets with one name are a mistake: one of them is from an earlier attempt. */
function refuseOtherSet({ file, document }: OpenBundle, seen: Map<string, { set: Digest; file: string }>): void {
  const name = commonName(nameIn(document));
  const first = seen.get(name);
  if (first === undefined) return void seen.set(name, { set: document.set, file });
  if (first.set === document.set || document.parts.length === 1) return;
  throw new OcilotError(
    "WRITE_REFUSED",
    `${file} belongs to another set than ${first.file}, under the same name: ${document.set} and ${first.set}`,
    { reason: "other-set", file },
    { hint: "Take the parts of one set; ocilot bundle writes all of them anew whenever the content or the part size changes." },
  );
}

function nameIn({ parts, part }: BundleDocument): string {
  return parts[part - 1]!.name;
}

async function verifySet({ file, layout, document, manifests }: OpenBundle, verify: NonNullable<UnbundleOptions["verify"]>): Promise<true> {
  const pieces = new Map(document.parts.flatMap(({ piece }) => (piece === undefined ? [] : [[piece.digest, piece] as const])));
  const blobs = [...document.absent, ...document.parts.flatMap((p) => p.blobs), ...pieces.values()];
  const receipt = await bundleReceipt(layout, { roots: document.roots, manifests, blobs });
  if (receipt.digest !== document.receipt) throw damagedPart(file, document, "its content is not what its receipt lists");
  await verify(receipt.digest, file);
  return true;
}
