import { type Descriptor, type Digest, embeddedData, isOcilotError } from "@ocilot/layout/web";

/** What was found of descriptors: manifests share equal ones, such as that of the empty config. */
const known = new WeakMap<Descriptor, Uint8Array | undefined>();

/** Returns the content that a descriptor embeds as `data`; undefined if it embeds none or something else than its content. */
export function embeddedContent(d: Descriptor): Uint8Array | undefined {
  if (typeof d.data !== "string") return undefined;
  if (!known.has(d)) known.set(d, decoded(d));
  return known.get(d);
}

/** Returns what descriptors embed, by digest: the content that one of them embeds serves all of that digest. */
export function embeddedContents(descriptors: Iterable<Descriptor>): Map<Digest, Uint8Array> {
  const contents = new Map<Digest, Uint8Array>();
  for (const d of descriptors) {
    const data = embeddedContent(d);
    if (data !== undefined) contents.set(d.digest, data);
  }
  return contents;
}

function decoded(d: Descriptor): Uint8Array | undefined {
  try {
    return embeddedData(d);
  } catch (error) {
    if (isOcilotError(error, "BLOB_NOT_FOUND")) return undefined;
    throw error;
  }
}
