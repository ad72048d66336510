import { throwIfAborted } from "./abort.js";
import { sniffMediaType } from "./content/sniff-manifest.js";
import { OcilotError } from "./errors.js";
import type { Descriptor } from "./spec/descriptor.js";
import { type Digest, compareDigests, isDigest, parseDigest } from "./spec/digest.js";
import { entriesNamed, firstOfEachDigest, nameAmbiguous, nameNotFound } from "./spec/entry-name.js";
import type { IndexEntry, IndexSnapshot } from "./spec/index-snapshot.js";
import type { BlobReader } from "./storage.js";

/** A shortened digest: fewer hex digits are too likely to fit a second blob tomorrow. */
const SHORT_DIGEST = /^(?:([a-z0-9]+):)?([0-9a-f]{6,127})$/;

/** How a reference is resolved. */
export interface ResolveOptions {
  /**
   * Called with the entries of several manifests that all fit; returns those that are meant, for example images without what
   * belongs to them. Without it such a reference is ambiguous.
   */
  readonly prefer?: (fitting: readonly IndexEntry[]) => Promise<readonly IndexEntry[]>;
  readonly signal?: AbortSignal;
}

/**
 * Returns the descriptor that a reference within one layout names; see `Layout.resolve`.
 * @example
 * ```ts
 * import { Layout, resolveReference } from "@ocilot/layout";
 *
 * const layout = await Layout.open("./layout");
 * const index = await layout.index.read();
 * console.log(await resolveReference(index, layout.blobs, "v1"));
 * ```
 */
export async function resolveReference(
  index: IndexSnapshot,
  blobs: BlobReader,
  ref: string,
  options: ResolveOptions = {},
): Promise<Descriptor> {
  throwIfAborted(options.signal);
  if (ref.startsWith("@")) return await resolveDigest(index, blobs, ref.slice(1), options.signal);
  if (ref === "") return await onlyEntry(index, options);
  const found = await preferred(entriesNamed(index, ref), options);
  if (found.length === 0) throw nameNotFound(index, ref);
  if (found.length > 1) throw nameAmbiguous(ref, found);
  return found[0]!.descriptor;
}

async function resolveDigest(index: IndexSnapshot, blobs: BlobReader, text: string, signal?: AbortSignal): Promise<Descriptor> {
  const digest = isDigest(text) ? text : await completeDigest(index, blobs, text, signal);
  const entry = index.entries.find((e) => e.descriptor.digest === digest);
  if (entry !== undefined) return entry.descriptor;
  const size = await blobs.size(digest);
  if (size === undefined) throw digestNotFound(digest);
  return { mediaType: await sniffMediaType(blobs, digest, size), digest, size };
}

/**
 * Returns the one digest in the layout that begins with `text`: an algorithm and a colon, which may be left out, and at least six hex
 * digits. Entries and blobs count.
 */
async function completeDigest(index: IndexSnapshot, blobs: BlobReader, text: string, signal?: AbortSignal): Promise<Digest> {
  const [, algorithm, hex] = SHORT_DIGEST.exec(text) ?? [];
  if (hex === undefined) return parseDigest(text);
  const found = new Set<Digest>();
  const take = (digest: Digest): void => {
    const colon = digest.indexOf(":");
    if (digest.startsWith(hex, colon + 1) && (algorithm === undefined || digest.slice(0, colon) === algorithm)) found.add(digest);
  };
  for (const e of index.entries) take(e.descriptor.digest);
  for await (const { digest } of blobs.list()) {
    throwIfAborted(signal);
    take(digest);
  }
  const [first, ...others] = [...found].toSorted(compareDigests);
  if (first === undefined) throw digestNotFound(text);
  if (others.length === 0) return first;
  const candidates = [first, ...others].map((digest) => `@${digest}`);
  throw new OcilotError(
    "REF_AMBIGUOUS",
    `@${text} is the beginning of ${candidates.length} digests: ${candidates.slice(0, 5).join(", ")}${candidates.length > 5 ? ", …" : ""}`,
    { reference: `@${text}`, candidates },
    { hint: "Give more digits." },
  );
}

function digestNotFound(digest: string): OcilotError<"REF_NOT_FOUND"> {
  return new OcilotError(
    "REF_NOT_FOUND",
    `${digest} is not in the layout`,
    { reference: `@${digest}` },
    { hint: "List the images with: ocilot ls LAYOUT" },
  );
}

/** A layout of one image is often written without a tag (cosign, crane); then its path alone names the image. */
async function onlyEntry(index: IndexSnapshot, options: ResolveOptions): Promise<Descriptor> {
  const roots = await preferred(index.entries, options);
  if (roots.length === 1) return roots[0]!.descriptor;
  const digests = new Set(roots.map((e) => e.descriptor.digest));
  const tagged = firstOfEachDigest(index.entries.filter((e) => e.tag !== undefined && digests.has(e.descriptor.digest)));
  if (tagged.length === 1) return tagged[0]!.descriptor;
  if (roots.length === 0) throw new OcilotError("REF_NOT_FOUND", "the layout is empty", { reference: "" });
  throw nameAmbiguous("", tagged.length > 0 ? tagged : roots);
}

/** The entries that fit, one for each manifest: of several those that are meant, if any are. */
async function preferred(fitting: readonly IndexEntry[], { prefer }: ResolveOptions): Promise<IndexEntry[]> {
  const all = firstOfEachDigest(fitting);
  if (all.length < 2 || prefer === undefined) return all;
  const meant = firstOfEachDigest(await prefer(fitting));
  return meant.length > 0 ? meant : all;
}
