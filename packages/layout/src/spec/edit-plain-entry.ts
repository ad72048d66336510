import type { Descriptor } from "./descriptor.js";
import { plainDescriptorText } from "./descriptor-json.js";
import type { Digest } from "./digest.js";

/** A change to one entry. `retarget` changes the digest and size, and the media type if it has one, only. */
export type EntryEdit =
  | { readonly op: "retarget"; readonly digest: Digest; readonly size: number; readonly mediaType?: string }
  | { readonly op: "annotate"; readonly set?: Readonly<Record<string, string>>; readonly unset?: readonly string[] };

/** An entry after an edit. */
export interface EditedEntry {
  readonly text: string;
  readonly descriptor: Descriptor;
}

/**
 * Applies an edit to an entry that is written exactly as ocilot writes it, as most are, without editing its text. Returns undefined for any
 * other entry, whose text has to be edited in place.
 */
export function editPlainEntry(text: string, d: Descriptor, edit: EntryEdit): EditedEntry | undefined {
  if (plainDescriptorText(d) !== text) return undefined;
  const descriptor =
    edit.op === "retarget"
      ? { ...d, mediaType: edit.mediaType ?? d.mediaType, digest: edit.digest, size: edit.size }
      : annotated(d, edit.set ?? {}, edit.unset ?? []);
  const edited = plainDescriptorText(descriptor);
  return edited === undefined ? undefined : { text: edited, descriptor };
}

function annotated(d: Descriptor, set: Readonly<Record<string, string>>, unset: readonly string[]): Descriptor {
  const { mediaType, digest, size, artifactType } = d;
  const entries = Object.entries(set);
  for (const key in d.annotations) if (!unset.includes(key) && !Object.hasOwn(set, key)) entries.push([key, d.annotations[key]!]);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    mediaType,
    digest,
    size,
    ...(entries.length > 0 && { annotations: Object.fromEntries(entries) }),
    ...(artifactType !== undefined && { artifactType }),
  };
}
