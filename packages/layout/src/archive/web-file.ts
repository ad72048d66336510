import { throwIfAborted } from "../abort.js";
import { type ContentStream, contentStream } from "../content/content-stream.js";
import { OcilotError, isOcilotError } from "../errors.js";
import { archiveInvalid, overLimit } from "./archive-error.js";
import { type ArchiveOptions, DEFAULT_MAX_ARCHIVE_SIZE } from "./archive-options.js";
import { sniffCompression } from "./sniff.js";
import type { TarSource } from "./tar-source.js";

/** A tar in a `Blob` or `File` of the web, of which only what is asked for is read. */
export class WebFile implements TarSource {
  readonly location: string;
  readonly size: number;
  readonly #blob: Blob;

  constructor(location: string, blob: Blob) {
    this.location = location;
    this.size = blob.size;
    this.#blob = blob;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    try {
      const bytes = new Uint8Array(await this.#blob.slice(offset, offset + length).arrayBuffer());
      if (bytes.length < length) throw archiveInvalid(this.location, "the file ends here", { offset: offset + bytes.length });
      return bytes;
    } catch (error) {
      throw isOcilotError(error) ? error : unreadable(this.location, error);
    }
  }

  stream(offset: number, length: number): ContentStream {
    return contentStream(piecesOf(this.#blob.slice(offset, offset + length).stream()));
  }
}

/**
 * Returns a tar that is ready to be read: a gzipped one is decompressed, which the browser keeps where it keeps blobs.
 * @throws OcilotError `ARCHIVE_INVALID`, `LIMIT_EXCEEDED`, `UNSUPPORTED` for any other compression, `ABORTED`, `IO_ERROR`
 */
export async function openWebFile(
  blob: Blob,
  location: string,
  { maxSize = DEFAULT_MAX_ARCHIVE_SIZE, signal }: Pick<ArchiveOptions, "maxSize" | "signal">,
): Promise<WebFile> {
  throwIfAborted(signal);
  const file = new WebFile(location, blob);
  const compression = sniffCompression(await file.read(0, Math.min(8, file.size)));
  if (compression === "none") return file;
  if (compression !== "gzip") {
    throw new OcilotError(
      "UNSUPPORTED",
      `${location} is compressed with ${compression}, which a web page cannot decompress`,
      { feature: compression },
      { hint: "Use a plain tar or a .tar.gz." },
    );
  }
  const pieces: Blob[] = [];
  let size = 0;
  try {
    for await (const piece of piecesOf(blob.stream().pipeThrough(new DecompressionStream("gzip")))) {
      throwIfAborted(signal);
      size += piece.length;
      if (size > maxSize)
        throw overLimit(location, "uncompressed size", maxSize, size, "Allow more with maxSize if you trust the archive.");
      pieces.push(new Blob([piece as Uint8Array<ArrayBuffer>]));
    }
  } catch (error) {
    throw isOcilotError(error) ? error : archiveInvalid(location, `does not decompress: ${String(error)}`, { cause: error });
  }
  return new WebFile(location, new Blob(pieces));
}

/** Not every browser can read a stream with `for await`. */
async function* piecesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function unreadable(location: string, cause: unknown): OcilotError<"IO_ERROR"> {
  return new OcilotError(
    "IO_ERROR",
    `${location}: ${cause instanceof Error ? cause.message : String(cause)}`,
    { path: location, syscall: "read" },
    { cause, hint: "The file may have changed since it was chosen; choose it again." },
  );
}
