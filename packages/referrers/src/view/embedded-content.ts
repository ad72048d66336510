import { type Descriptor, embeddedData, isOcilotError } from "@ocilot/layout/web";

/** What was found of descriptors: manifests share equal ones, such as that of the empty config. */
const known = new WeakMap<Descriptor, Uint8Array | undefined>();

/** Returns the content that a descriptor embeds as `data`; undefined if it embeds none or something else than its content. */
export function embeddedContent(d: Descriptor): Uint8Array | undefined {
  if (typeof d.data !== "string") return undefined;
  if (!known.has(d)) known.set(d, decoded(d));
  return known.get(d);
}

function decoded(d: Descriptor): Uint8Array | undefined {
  try {
    return embeddedData(d);
  } catch (error) {
    if (isOcilotError(error, "BLOB_NOT_FOUND")) return undefined;
    throw error;
  }
}
