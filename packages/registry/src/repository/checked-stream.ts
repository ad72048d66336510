import { createReadStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { Descriptor } from "@ocilot/layout/spec";
import type { OperationOptions, RepositoryClient } from "../client/types.js";

/** Content up to here is kept in memory, more in a temporary file. */
const MEMORY_BYTES = 4 << 20;
const PIECE_BYTES = 1 << 20;

/**
 * Returns the content of a blob as a stream that gives nothing before all of it has been checked: bytes that were given away cannot be taken back, and
 * whatever was damaged on the way or broke off is fetched again by then. The temporary file has no name any more while it is read, except on Windows.
 * @throws OcilotError `BLOB_NOT_FOUND`, `BLOB_CORRUPT`, `SIZE_MISMATCH`, `IO_ERROR`
 */
export async function checkedStream(client: RepositoryClient, d: Descriptor, options: OperationOptions): Promise<Readable> {
  if (d.size <= MEMORY_BYTES)
    return Readable.from([await client.getBlobBytes(d, { maxBytes: MEMORY_BYTES, ...options })], { objectMode: false });
  const directory = await mkdtemp(join(tmpdir(), "ocilot-download-"));
  const remove = async (): Promise<void> => await rm(directory, { recursive: true, force: true }).catch(() => undefined);
  try {
    const file = join(directory, "content");
    await client.downloadBlob(d, file, options);
    const stream = createReadStream(file, { highWaterMark: PIECE_BYTES });
    stream.once("close", () => void remove());
    await new Promise<void>((resolve, reject) => stream.once("open", () => resolve()).once("error", reject));
    await remove();
    return stream;
  } catch (error) {
    await remove();
    throw error;
  }
}
