import { OcilotError } from "./errors.js";
import type { IndexEntry, IndexSnapshot } from "./index-snapshot.js";
import { sniffMediaType } from "./sniff.js";
import { CONTAINERD_IMAGE_NAME } from "./spec/annotations.js";
import type { Descriptor } from "./spec/descriptor.js";
import { compareDigests, parseDigest } from "./spec/digest.js";
import type { BlobReader } from "./storage.js";

/** Finds what a reference within one layout names; see `Layout.resolve`. */
export async function resolveReference(index: IndexSnapshot, blobs: BlobReader, ref: string): Promise<Descriptor> {
  if (ref.startsWith("@")) return await resolveDigest(index, blobs, ref.slice(1));
  if (ref === "") return onlyEntry(index);
  const byName = (value: (e: IndexEntry) => string | undefined, matches: (name: string) => boolean): IndexEntry[] =>
    index.entries.filter((e) => {
      const name = value(e);
      return name !== undefined && matches(name);
    });
  const ends = (name: string): boolean => name.endsWith(`:${ref}`);
  const ways = [
    () => byName(tag, (name) => name === ref),
    () => byName(imageName, (name) => name === ref),
    () => [...byName(tag, ends), ...byName(imageName, ends)],
  ];
  for (const way of ways) {
    const found = way();
    if (found.length > 0) return single(found, ref);
  }
  const tags = index.entries.flatMap((e) => e.tag ?? []);
  throw new OcilotError(
    "REF_NOT_FOUND",
    `no tag or image name ${JSON.stringify(ref)} in the layout`,
    { reference: ref, candidates: tags },
    {
      hint:
        tags.length === 0
          ? "The layout has no tags; name the manifest by @digest."
          : `Its tags are: ${tags.slice(0, 10).join(", ")}${tags.length > 10 ? ", …" : ""}`,
    },
  );
}

const tag = (e: IndexEntry): string | undefined => e.tag;
const imageName = (e: IndexEntry): string | undefined => e.descriptor.annotations?.[CONTAINERD_IMAGE_NAME];

async function resolveDigest(index: IndexSnapshot, blobs: BlobReader, text: string): Promise<Descriptor> {
  const digest = parseDigest(text);
  const entry = index.entries.find((e) => e.descriptor.digest === digest);
  if (entry !== undefined) return entry.descriptor;
  const size = await blobs.size(digest);
  if (size === undefined) {
    throw new OcilotError(
      "REF_NOT_FOUND",
      `${digest} is not in the layout`,
      { reference: `@${digest}` },
      { hint: "List what is there with: ocilot ls LAYOUT" },
    );
  }
  return { mediaType: await sniffMediaType(blobs, digest, size), digest, size };
}

/** A layout of one image is often written without a tag (cosign, crane); then its path alone names the image. */
function onlyEntry(index: IndexSnapshot): Descriptor {
  const roots = distinct(index.entries);
  if (roots.length === 1) return roots[0]!.descriptor;
  const tagged = distinct(index.entries.filter((e) => e.tag !== undefined));
  if (tagged.length === 1) return tagged[0]!.descriptor;
  if (roots.length === 0) throw new OcilotError("REF_NOT_FOUND", "the layout is empty", { reference: "" });
  throw ambiguous("", tagged.length > 0 ? tagged : roots);
}

function single(found: readonly IndexEntry[], ref: string): Descriptor {
  const targets = distinct(found);
  if (targets.length === 1) return targets[0]!.descriptor;
  throw ambiguous(ref, targets);
}

/** One entry for each digest, the first that has it, as a search by digest would find. */
function distinct(entries: readonly IndexEntry[]): IndexEntry[] {
  const first = new Map(entries.toReversed().map((e) => [e.descriptor.digest, e]));
  return [...first.values()].toSorted((a, b) => compareDigests(a.descriptor.digest, b.descriptor.digest));
}

function ambiguous(ref: string, found: readonly IndexEntry[]): OcilotError<"REF_AMBIGUOUS"> {
  const candidates = found.map((e) => `${e.descriptor.annotations?.[CONTAINERD_IMAGE_NAME] ?? e.tag ?? "untagged"}@${e.descriptor.digest}`);
  const what = ref === "" ? "the layout holds more than one image" : `${JSON.stringify(ref)} names more than one manifest`;
  return new OcilotError(
    "REF_AMBIGUOUS",
    `${what}: ${candidates.slice(0, 5).join(", ")}${candidates.length > 5 ? ", …" : ""}`,
    { reference: ref, candidates },
    {
      hint: "Name one of them, by :tag, by its full image name, or by @digest.",
    },
  );
}
