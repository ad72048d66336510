import {
  CONTAINERD_IMAGE_NAME,
  CONTAINERD_SUBJECT,
  CREATED,
  type Descriptor,
  type IndexEntry,
  KIND,
  type Manifest,
  REF_NAME,
} from "@ocilot/layout/spec";
import { LIST_ANNOTATION_KEYS } from "./list-annotations.js";

/** Annotations that mean something on an entry of `index.json`: a manifest's own must not become one of these there. */
const ENTRY_ANNOTATION_KEYS = new Set([REF_NAME, CONTAINERD_IMAGE_NAME, CONTAINERD_SUBJECT, ...LIST_ANNOTATION_KEYS, KIND]);
const PLAIN_MEMBERS = new Set(["mediaType", "digest", "size", "annotations", "artifactType"]);

/** What oras pulls up from a manifest to its entry. */
export function manifestAnnotations(annotations: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  let isClear = true;
  for (const key in annotations) isClear &&= !ENTRY_ANNOTATION_KEYS.has(key);
  if (isClear) return annotations;
  return Object.fromEntries(Object.entries(annotations).filter(([key]) => !ENTRY_ANNOTATION_KEYS.has(key)));
}

/**
 * Tells whether an untagged entry of a referrer holds only what the writers of referrers put there: what comes from the
 * manifest, the time of writing, the annotations that name a subject. Only such an entry may be removed; any other is foreign.
 */
export function isPlainReferrerEntry(entry: IndexEntry, manifest: Manifest): boolean {
  const { descriptor } = entry;
  if (entry.tag !== undefined || !hasOnlyPlainMembers(descriptor)) return false;
  if (descriptor.artifactType !== undefined && descriptor.artifactType !== manifest.artifactType) return false;
  const { annotations = {} } = descriptor;
  for (const key in annotations) {
    const isRecord = key === CREATED || key === CONTAINERD_SUBJECT || (key === REF_NAME && annotations[key] === "");
    if (!isRecord && manifest.annotations[key] !== annotations[key]) return false;
  }
  return true;
}

/** Returns true if the entry of a list holds only the annotations of lists and the time of writing. */
export function isPlainListEntry(entry: IndexEntry): boolean {
  const plain = new Set([REF_NAME, ...LIST_ANNOTATION_KEYS, CREATED]);
  return hasOnlyPlainMembers(entry.descriptor) && Object.keys(entry.descriptor.annotations ?? {}).every((key) => plain.has(key));
}

/** Tells whether an entry is as bare as those written only so that oras can resolve a subject by its digest. */
export function isBareEntry(entry: IndexEntry): boolean {
  for (const key in entry.descriptor) if (key !== "mediaType" && key !== "digest" && key !== "size") return false;
  return true;
}

/** Tells whether a descriptor has no members but those that writers of records use. */
export function hasOnlyPlainMembers(d: Descriptor): boolean {
  for (const key in d) if (!PLAIN_MEMBERS.has(key)) return false;
  return true;
}

/** Returns true for a map without keys. */
export function isEmptyMap(map: Readonly<Record<string, string>>): boolean {
  for (const _ in map) return false;
  return true;
}
