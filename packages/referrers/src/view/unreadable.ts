import type { ManifestNode } from "./layout-view.js";

/** What is wrong with a manifest that could not be read, in words that name it. */
export function unreadableMessage({ descriptor, error }: Extract<ManifestNode, { state: "damaged" }>): string {
  return error.message.includes(descriptor.digest) ? error.message : `${descriptor.digest}: ${error.message}`;
}
