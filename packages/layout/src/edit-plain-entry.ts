import type { Descriptor } from "./spec/descriptor.js";
import { plainDescriptorText } from "./spec/descriptor-json.js";
import type { Digest } from "./spec/digest.js";

/** A change to one entry; `retarget` changes where it points and nothing else about it. */
export type EntryEdit =
  | { readonly op: "retarget"; readonly digest: Digest; readonly size: number }
  | { readonly op: "annotate"; readonly set?: Readonly<Record<string, string>>; readonly unset?: readonly string[] };

/** An entry after an edit. */
export interface EditedEntry {
  readonly text: string;
  readonly descriptor: Descriptor;
}

/**
 * Makes an edit of an entry that is written just as ocilot would write it, without looking into its text: many entries are.
 * Undefined for any other, whose text has to be edited in place.
 */
export function editPlainEntry(text: string, d: Descriptor, edit: EntryEdit): EditedEntry | undefined {
  if (plainDescriptorText(d) !== text) return undefined;
  const descriptor =
    edit.op === "retarget" ? { ...d, digest: edit.digest, size: edit.size } : annotated(d, edit.set ?? {}, edit.unset ?? []);
  const edited = plainDescriptorText(descriptor);
  return edited === undefined ? undefined : { text: edited, descriptor };
}

function annotated(d: Descriptor, set: Readonly<Record<string, string>>, unset: readonly string[]): Descriptor {
  const { mediaType, digest, size, artifactType } = d;
  const kept = Object.entries(d.annotations ?? {}).filter(([key]) => !unset.includes(key) && !Object.hasOwn(set, key));
  const entries = [...kept, ...Object.entries(set)].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return {
    mediaType,
    digest,
    size,
    ...(entries.length > 0 && { annotations: Object.fromEntries(entries) }),
    ...(artifactType !== undefined && { artifactType }),
  };
}
