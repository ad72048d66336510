import { createHasher, digestOf } from "../content/hash.js";
import { Pace } from "../filesystem/pace.js";
import { type Algorithm, type Digest, isAlgorithm, splitDigest } from "../spec/digest.js";
import { archiveInvalid, overLimit } from "./archive-error.js";
import type { Extent, NamedContent } from "./members.js";
import type { TarSource } from "./tar-source.js";

/** How much is read and hashed at once, in bytes. */
const STEP = 1 << 22;

/**
 * Returns the bytes of a small file of the archive, or undefined if there is none. It may occur twice with the same content.
 * @throws OcilotError `ARCHIVE_INVALID`, `LIMIT_EXCEEDED`, `ABORTED`, `IO_ERROR`
 */
export async function readDocument(
  file: TarSource,
  files: ReadonlyMap<string, NamedContent>,
  name: string,
  { maxBytes, signal }: { readonly maxBytes: number; readonly signal?: AbortSignal | undefined },
): Promise<Uint8Array | undefined> {
  const [first, ...others] = extentsOf(files.get(name));
  if (first === undefined) return undefined;
  if (first.size > maxBytes) throw overLimit(file.location, `bytes of ${name}`, maxBytes, first.size, "No layout has such a file.");
  const bytes = await file.read(first.offset, first.size);
  const pace = new Pace(signal);
  for (const other of others) {
    if (pace.isDue) await pace.rest();
    if (other.offset === first.offset) continue;
    if (other.size === bytes.length && areEqual(bytes, await file.read(other.offset, other.size))) continue;
    throw archiveInvalid(file.location, "occurs a second time with other content; programs disagree on which one counts", {
      member: name,
      hint: "Do not trust this archive. Ask its author.",
    });
  }
  return bytes;
}

/** Returns all extents under a name, those of a link last. */
export function extentsOf(content: NamedContent | undefined): readonly Extent[] {
  if (content === undefined) return [];
  return content.linked === undefined ? content.own : [...content.own, ...content.linked];
}

/** Returns the extent that most programs would unpack: the last one under the name. */
export function lastExtent({ own, linked }: NamedContent): Extent {
  return (linked?.at(-1) ?? own.at(-1))!;
}

/**
 * Chooses among several members under the name of one blob the one whose content has the digest; the last one if none has it, or if the
 * digest cannot be computed. Each extent is hashed once per algorithm, however many names lead to it.
 */
export class BlobChooser {
  readonly #file: TarSource;
  readonly #signal: AbortSignal | undefined;
  readonly #known: Map<string, Map<readonly Extent[], ReadonlyMap<Digest, Extent>>> = new Map();

  constructor(file: TarSource, signal: AbortSignal | undefined) {
    this.#file = file;
    this.#signal = signal;
  }

  /** @throws OcilotError `ARCHIVE_INVALID`, `ABORTED`, `IO_ERROR` */
  async choose(digest: Digest, content: NamedContent): Promise<Extent> {
    const { own, linked = [] } = content;
    const { algorithm } = splitDigest(digest);
    if (own.length + linked.length === 1 || !isAlgorithm(algorithm)) return lastExtent(content);
    for (const extents of [own, linked]) {
      const found = (await this.#digests(extents, algorithm)).get(digest);
      if (found !== undefined) return found;
    }
    return lastExtent(content);
  }

  async #digests(extents: readonly Extent[], algorithm: Algorithm): Promise<ReadonlyMap<Digest, Extent>> {
    let ofAlgorithm = this.#known.get(algorithm);
    if (ofAlgorithm === undefined) this.#known.set(algorithm, (ofAlgorithm = new Map()));
    const known = ofAlgorithm.get(extents);
    if (known !== undefined) return known;
    const digests = new Map<Digest, Extent>();
    const pace = new Pace(this.#signal);
    for (const extent of extents) {
      const digest = await digestAt(this.#file, extent, { algorithm, pace });
      if (!digests.has(digest)) digests.set(digest, extent);
    }
    ofAlgorithm.set(extents, digests);
    return digests;
  }
}

/** Returns the digest of an extent. @throws OcilotError `ARCHIVE_INVALID`, `ABORTED`, `IO_ERROR` */
export async function digestAt(
  file: TarSource,
  { offset, size }: Extent,
  { algorithm = "sha256", pace }: { readonly algorithm?: Algorithm; readonly pace: Pace },
): Promise<Digest> {
  if (size <= STEP) {
    if (pace.isDue) await pace.rest();
    return digestOf(await file.read(offset, size), algorithm);
  }
  const hasher = createHasher(algorithm);
  for (let at = 0; at < size; at += STEP) {
    hasher.update(await file.read(offset + at, Math.min(STEP, size - at)));
    if (pace.isDue) await pace.rest();
  }
  return hasher.digest();
}

function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
