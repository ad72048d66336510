import {
  type Digest,
  END_BYTES,
  INDEX_FILE,
  LAYOUT_VERSION,
  MARKER_FILE,
  blobPath,
  compareDigests,
  compressionOf,
  digestOf,
  memberBytes,
} from "@ocilot/layout";
import type { Receipt } from "../receipt/receipt.js";
import { RootsByName } from "../receipt/root-names.js";
import {
  BUNDLE_FILE,
  BUNDLE_NEEDS,
  BUNDLE_TYPE,
  type BlobSize,
  type BundleContent,
  type BundleDocument,
  type BundleRoot,
  bundleText,
  documentLength,
  setOf,
} from "./bundle-document.js";
import { bundleReceipt } from "./bundle-receipt.js";
import { packParts } from "./pack-parts.js";
import { partName } from "./part-names.js";
import { type StagedBundle, fullName } from "./stage-bundle.js";

/** How a bundle is named and split, and what it leaves out. */
export interface BundlePlanOptions {
  /** The name of the file, without a directory; parts are named after it. */
  readonly name: string;
  /** Receipts of the destination: what they list is left out. */
  readonly since?: readonly Receipt[];
  /** Split into files of at most this many bytes (default: one file). */
  readonly limit?: number;
  /** When the content was made (default: the newest date in it). */
  readonly created?: string;
}

/** Which files a bundle will be, to the byte. Nothing but manifests has been read for it. */
export interface BundlePlan {
  readonly staged: StagedBundle;
  readonly receipt: Receipt;
  readonly content: BundleContent;
  readonly set: Digest;
  readonly indexText: string;
  /** The bytes of the description, the same in every part. */
  readonly documentBytes: number;
}

/** What is in every part, in the order of the tar. */
const MARKER_CONTENT = `{"imageLayoutVersion":"${LAYOUT_VERSION}"}`;
/** More than the description of a part takes, without its name and blobs, in bytes. */
const PART_TEXT = 420;
const LONGEST_NUMBER = 16;

/**
 * Plans the files of a bundle: what is in each, and how large it is.
 * @throws OcilotError `LIMIT_EXCEEDED` if parts of that size have no room for content, and what reading manifests throws
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { planBundle, stageBundle, writeParts } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const staged = await stageBundle([{ layout }]);
 * const plan = await planBundle(staged, { name: "images.tar", limit: 4_000_000_000 });
 * console.log(plan.content.parts.map(({ name, size }) => `${name} ${size}`));
 * await writeParts(plan, "./images.tar");
 * ```
 */
export async function planBundle(staged: StagedBundle, options: BundlePlanOptions): Promise<BundlePlan> {
  const { name, since = [], limit, created } = options;
  const receipt = await bundleReceipt(staged.layout, staged);
  const { carried, absent, needed } = leaveOut(staged.blobs, since);
  const indexText = await noteNeeds(staged, needed);
  const date = created ?? staged.newest;
  const history = new RootsByName(since);
  const frame: BundleContent = {
    type: BUNDLE_TYPE,
    ...(date !== undefined && { created: date }),
    index: digestOf(new TextEncoder().encode(indexText)),
    receipt: receipt.digest,
    roots: staged.roots.map((r) => withHistory(r, history)),
    since: needed,
    absent,
    parts: [],
  };
  const documentBytes = (parts: number): number => {
    const frameText = documentLength({ ...frame, set: receipt.digest, part: parts });
    const perPart = PART_TEXT + Buffer.byteLength(JSON.stringify(partName(name, parts, parts))) + LONGEST_NUMBER;
    return Math.ceil((frameText + parts * perPart + carried.reduce((sum, b) => sum + blobText(b), 0)) / 512) * 512;
  };
  const fixed = (parts: number): number =>
    everyPart(staged.manifests, Buffer.byteLength(indexText), documentBytes(parts), carried).reduce(
      (sum, m) => sum + memberBytes(m),
      END_BYTES,
    );
  const { parts, reserved } = packParts(carried, {
    limit: plainLimit(limit, name),
    limitFor: (bytes) => (compressionOf(name) === "none" ? bytes : Math.ceil(bytes * 1.005) + 1024),
    fixed,
  });
  const content: BundleContent = {
    ...frame,
    parts: parts.map((part, i) => ({
      name: limit === undefined ? name : partName(name, i + 1, parts.length),
      size: fixed(reserved) + part.bytes,
      blobs: part.blobs,
      ...(part.piece !== undefined && { piece: part.piece }),
    })),
  };
  return { staged, receipt, content, set: setOf(content), indexText, documentBytes: documentBytes(reserved) };
}

/** How long a tar may be so that it is no longer than the limit when it is compressed: what does not compress grows a little. */
function plainLimit(limit: number | undefined, name: string): number {
  if (limit === undefined) return Infinity;
  return compressionOf(name) === "none" ? limit : Math.floor((limit - 1024) / 1.005);
}

/** The description that a part holds. */
export function documentOf({ content, set }: BundlePlan, part: number): BundleDocument {
  return { ...content, set, part };
}

/** The documents that begin a part, and the directories of its blobs. */
export function openingMembers(plan: BundlePlan, part: number): { readonly name: string; readonly text: string }[] {
  return [
    { name: MARKER_FILE, text: MARKER_CONTENT },
    { name: INDEX_FILE, text: plan.indexText },
    { name: BUNDLE_FILE, text: bundleText(documentOf(plan, part), plan.documentBytes) },
    ...directoriesOf([...plan.staged.manifests, ...plan.content.parts.flatMap((p) => [...p.blobs, ...(p.piece ? [p.piece] : [])])]).map(
      (name) => ({ name, text: "" }),
    ),
  ];
}

function everyPart(
  manifests: readonly BlobSize[],
  index: number,
  document: number,
  blobs: readonly BlobSize[],
): { name: string; size: number }[] {
  return [
    { name: MARKER_FILE, size: MARKER_CONTENT.length },
    { name: INDEX_FILE, size: index },
    { name: BUNDLE_FILE, size: document },
    ...directoriesOf([...manifests, ...blobs]).map((name) => ({ name, size: 0 })),
    ...manifests.map((m) => ({ name: blobPath(m.digest), size: m.size })),
  ];
}

function directoriesOf(blobs: readonly BlobSize[]): string[] {
  const directories = new Set(["blobs/"]);
  for (const { digest } of blobs) directories.add(`blobs/${digest.slice(0, digest.indexOf(":"))}/`);
  return [...directories].toSorted();
}

function blobText({ digest, size }: BlobSize): number {
  return `{"digest":"${digest}","size":${size}},`.length;
}

function leaveOut(blobs: readonly BlobSize[], since: readonly Receipt[]): { carried: BlobSize[]; absent: BlobSize[]; needed: Digest[] } {
  const known = since.map((r) => ({ digest: r.digest, sizes: new Map(r.blobs.map((b) => [b.digest, b.size])) }));
  const needed = new Set<Digest>();
  const carried: BlobSize[] = [];
  const absent: BlobSize[] = [];
  for (const blob of blobs) {
    const holder = known.find((r) => r.sizes.get(blob.digest) === blob.size);
    if (holder === undefined) carried.push(blob);
    else {
      absent.push(blob);
      needed.add(holder.digest);
    }
  }
  return { carried, absent, needed: [...needed].toSorted(compareDigests) };
}

function withHistory(root: BundleRoot, since: RootsByName): BundleRoot {
  const name = fullName(root);
  const was = name === undefined ? [] : since.digests(name);
  return was.length === 0 ? root : { ...root, was: was.toSorted(compareDigests) };
}

/** `index.json` of a delta says that blobs are missing, and where they are. */
async function noteNeeds({ layout }: StagedBundle, needed: readonly Digest[]): Promise<string> {
  if (needed.length === 0) return (await layout.index.read()).text;
  const noted = await layout.index.update(() => [{ op: "annotate-index", set: { [BUNDLE_NEEDS]: needed.join(",") } }]);
  return noted.text;
}
