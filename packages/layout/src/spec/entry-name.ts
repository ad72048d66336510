import { OcilotError } from "../errors.js";
import { CONTAINERD_IMAGE_NAME } from "./annotations.js";
import { compareDigests } from "./digest.js";
import type { IndexEntry, IndexSnapshot } from "./index-snapshot.js";

/** How many names a message shows. */
const MAX_SHOWN = 10;

/**
 * Returns the full image name that containerd and Docker put on an entry, if it has one.
 * @example
 * ```ts
 * import { imageNameOf, Layout } from "@ocilot/layout";
 *
 * const { entries } = await (await Layout.open("./layout")).index.read();
 * for (const entry of entries) console.log(imageNameOf(entry) ?? entry.tag);
 * ```
 */
export function imageNameOf(entry: IndexEntry): string | undefined {
  return entry.descriptor.annotations?.[CONTAINERD_IMAGE_NAME] || undefined;
}

/**
 * Returns the entries that `name` selects: those with that exact tag, else with that exact image name, else those of which the tag or
 * image name ends with it behind a `:` or `/` (`1.0` and `app:1.0` for `docker.io/library/app:1.0`). Empty if none does.
 * @example
 * ```ts
 * import { entriesNamed, Layout } from "@ocilot/layout";
 *
 * const index = await (await Layout.open("./layout")).index.read();
 * for (const { tag, descriptor } of entriesNamed(index, "v1")) console.log(tag, descriptor.digest);
 * ```
 */
export function entriesNamed(index: Pick<IndexSnapshot, "entries">, name: string): readonly IndexEntry[] {
  const ends = (full: string | undefined): boolean => isNameEnd(full, name);
  const rules: readonly ((e: IndexEntry) => boolean)[] = [
    (e) => e.tag === name,
    (e) => imageNameOf(e) === name,
    (e) => ends(e.tag) || ends(imageNameOf(e)),
  ];
  for (const rule of rules) {
    const found = index.entries.filter(rule);
    if (found.length > 0) return found;
  }
  return [];
}

/**
 * Returns true if `full` ends with `name` behind a `:` or `/`.
 * @example
 * ```ts
 * import { isNameEnd } from "@ocilot/layout";
 *
 * console.log(isNameEnd("docker.io/library/app:1.0", "app:1.0")); // true
 * console.log(isNameEnd("docker.io/library/myapp:1.0", "app:1.0")); // false
 * ```
 */
export function isNameEnd(full: string | undefined, name: string): boolean {
  return full !== undefined && (full.endsWith(`:${name}`) || full.endsWith(`/${name}`));
}

/** Returns the first entry of each digest, in the order of digests. */
export function firstOfEachDigest(entries: readonly IndexEntry[]): IndexEntry[] {
  const first = new Map(entries.toReversed().map((e) => [e.descriptor.digest, e]));
  return [...first.values()].toSorted((a, b) => compareDigests(a.descriptor.digest, b.descriptor.digest));
}

/** Tags under which lists of referrers and cosign's artifacts stand: `sha256-…`, `sha256-….sig`. They name no image. */
const DIGEST_TAG = /^[a-z0-9]+-[0-9a-f]{32,}(?:\.|$)/;

/** Returns the error for an unknown name; it lists the tags of images. */
export function nameNotFound(index: IndexSnapshot, name: string): OcilotError<"REF_NOT_FOUND"> {
  const tags = [...new Set(index.entries.flatMap((e) => e.tag ?? []))].filter((tag) => !DIGEST_TAG.test(tag));
  return new OcilotError(
    "REF_NOT_FOUND",
    `no tag or image name ${JSON.stringify(name)} in the layout`,
    { reference: name, candidates: tags },
    {
      hint:
        tags.length === 0
          ? "The layout has no tags; name the manifest by @digest."
          : `Its tags are: ${tags.slice(0, MAX_SHOWN).join(", ")}${tags.length > MAX_SHOWN ? ", …" : ""}`,
    },
  );
}

/** Returns the error for a name of several manifests; it lists them. An empty name stands for the layout alone. */
export function nameAmbiguous(name: string, found: readonly IndexEntry[]): OcilotError<"REF_AMBIGUOUS"> {
  const candidates = found.map((e) => `${imageNameOf(e) ?? e.tag ?? "untagged"}@${e.descriptor.digest}`);
  const what = name === "" ? "the layout holds more than one image" : `${JSON.stringify(name)} names more than one manifest`;
  return new OcilotError(
    "REF_AMBIGUOUS",
    `${what}: ${candidates.slice(0, 5).join(", ")}${candidates.length > 5 ? ", …" : ""}`,
    { reference: name, candidates },
    { hint: "Name one of them, by :tag, by its full image name, or by @digest." },
  );
}
