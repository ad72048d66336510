import { OcilotError } from "./errors.js";
import { isRecord } from "./spec/guards.js";
import { readJson } from "./spec/json.js";

/** The file that makes a directory a layout. */
export const MARKER_FILE = "oci-layout";
export const LAYOUT_VERSION = "1.0.0";
/** The real file has 30 bytes or so. */
export const MAX_MARKER_BYTES: number = 64 * 1024;

/**
 * Reads the version out of `oci-layout`.
 * @throws OcilotError `LAYOUT_INVALID`
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md#oci-layout-file
 */
export function layoutVersion(marker: Uint8Array): string {
  let reason = "has no imageLayoutVersion";
  try {
    const { value } = readJson(marker, MARKER_FILE);
    if (isRecord(value) && typeof value["imageLayoutVersion"] === "string") return value["imageLayoutVersion"];
  } catch (error) {
    reason = (error as Error).message;
  }
  throw new OcilotError(
    "LAYOUT_INVALID",
    `${MARKER_FILE}: ${reason}`,
    { file: MARKER_FILE, reason },
    {
      hint: `It should hold {"imageLayoutVersion":"${LAYOUT_VERSION}"}.`,
    },
  );
}
