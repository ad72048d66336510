import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { replaceFile, syncDirectory } from "../filesystem/atomic-write.js";
import { INDEX_FILE } from "../spec/index-snapshot.js";
import { Layout } from "../directory-layout.js";
import { OCTET_STREAM } from "../content/sniff-manifest.js";
import type { DockerFile } from "../spec/docker-images.js";
import type { Descriptor } from "../spec/descriptor.js";
import { transferBlobs } from "./transfer-blobs.js";

/**
 * Writes everything that an archive holds of a layout into a directory that does not exist: every blob, referenced or not, and `index.json`
 * and Docker's files as they are. Other files in the archive are not copied; the archive's warnings name them. Returns the number of files.
 * @throws OcilotError `BLOB_CORRUPT`, `ALGORITHM_UNSUPPORTED`, `ABORTED`, and what reading and writing throw
 */
export async function unpackLayout(
  source: Layout,
  directory: string,
  options: {
    sync: boolean;
    signal?: AbortSignal | undefined;
    /** Called with the number of bytes copied. */
    onProgress?: ((event: { readonly bytes: number; readonly totalBytes: number }) => void) | undefined;
  },
): Promise<number> {
  const { sync, signal, onProgress } = options;
  const target = await Layout.create(directory, { sync });
  const blobs: Descriptor[] = [];
  for await (const { digest, size } of source.blobs.list()) blobs.push({ mediaType: OCTET_STREAM, digest, size });
  const totalBytes = blobs.reduce((sum, blob) => sum + blob.size, 0);
  let done = 0;
  await transferBlobs(source, target, blobs, {
    ...(signal && { signal }),
    ...(onProgress && { onProgress: (event) => onProgress({ bytes: (done += event.bytes), totalBytes }) }),
  });
  const { bytes } = await source.index.read();
  await replaceFile(directory, join(directory, INDEX_FILE), bytes, { sync });
  const documents = Object.entries(await source.dockerDocuments());
  for (const [file, content] of documents) await target.putDockerDocument(file as DockerFile, content);
  const place = join(directory, "blobs");
  if (sync) for (const path of [...(await readdir(place)).map((algorithm) => join(place, algorithm)), place]) await syncDirectory(path);
  return blobs.length + documents.length + 2;
}
