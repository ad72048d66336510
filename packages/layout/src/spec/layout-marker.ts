import { OcilotError } from "../errors.js";
import { isRecord } from "./guards.js";
import { readJson } from "./json.js";

/** The name of the file that marks a directory as a layout. */
export const MARKER_FILE = "oci-layout";
/** The layout version that ocilot writes. */
export const LAYOUT_VERSION = "1.0.0";
/** The content of `oci-layout` as ocilot writes it. */
export const MARKER_TEXT: Uint8Array = new TextEncoder().encode(`{"imageLayoutVersion":"${LAYOUT_VERSION}"}`);
/** `index.json` of a new layout. */
export const EMPTY_INDEX = '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}';
/** The largest `oci-layout` that is read, in bytes. Real files have about 30. */
export const MAX_MARKER_BYTES: number = 64 * 1024;

/**
 * Returns the version that `oci-layout` states.
 * @throws OcilotError `LAYOUT_INVALID`
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md#oci-layout-file
 */
export function layoutVersion(marker: Uint8Array): string {
  let reason = "has no imageLayoutVersion";
  try {
    const { value } = readJson(marker, MARKER_FILE);
    if (isRecord(value) && typeof value["imageLayoutVersion"] === "string") return value["imageLayoutVersion"];
  } catch (error) {
    reason = (error as Error).message.replace(`${MARKER_FILE} `, "");
  }
  throw new OcilotError(
    "LAYOUT_INVALID",
    `${MARKER_FILE}: ${reason}`,
    { file: MARKER_FILE, reason },
    {
      hint: `It should hold {"imageLayoutVersion":"${LAYOUT_VERSION}"}. Write it with: printf '{"imageLayoutVersion":"${LAYOUT_VERSION}"}' > LAYOUT/${MARKER_FILE}`,
    },
  );
}
