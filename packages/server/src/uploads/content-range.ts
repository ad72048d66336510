import { RegistryError } from "../protocol/registry-error.js";

/**
 * Checks that a chunk begins where the upload ends. A client that does not say where it begins appends.
 * @param received bytes that are there
 * @throws RegistryError `BLOB_UPLOAD_INVALID`, status 416, with the range that is there; `SIZE_INVALID`, status 400, if the
 * lengths do not agree
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-a-blob-in-chunks
 */
export function checkContentRange(
  header: string | undefined,
  received: number,
  { length, location }: { readonly length: number | undefined; readonly location: string },
): void {
  if (header === undefined) return;
  const match = /^(?:bytes[ =])?(\d{1,15})-(\d{1,15})(?:\/(?:\d+|\*))?$/.exec(header.trim());
  if (match === null) throw new RegistryError("BLOB_UPLOAD_INVALID", "Content-Range is not of the form FIRST-LAST");
  const [first, last] = [Number(match[1]), Number(match[2])];
  if (first !== received) {
    throw new RegistryError("BLOB_UPLOAD_INVALID", `the chunk begins at byte ${first}, and ${received} bytes are there`, {
      status: 416,
      headers: { location, range: uploadRange(received) },
    });
  }
  if (length !== undefined && length > 0 && last - first + 1 !== length) {
    throw new RegistryError("SIZE_INVALID", `Content-Range is of ${last - first + 1} bytes, the body of ${length}`, { status: 400 });
  }
}

/** The `Range` header of an upload. An empty one cannot be written in this form; `0-0` is what registries send. */
export function uploadRange(received: number): string {
  return `0-${Math.max(received - 1, 0)}`;
}
