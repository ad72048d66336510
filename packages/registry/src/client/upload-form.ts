/** From this size on a blob is sent in one PATCH and an empty PUT, so that a failure of the PUT does not cost the content. */
const STREAM_BYTES: number = 4 * 1024 * 1024;
/** Below the 4 MiB that GHCR takes in one PATCH. */
const CHUNK_BYTES: number = 3 * 1024 * 1024;
/** The chunk size for registries that ask for chunks. */
const ASKED_CHUNK_BYTES: number = 16 * 1024 * 1024;
const SMALLEST_CHUNK_BYTES: number = 256 * 1024;
/** After so many failures with nothing stored, chunks are tried. */
const MAX_BREAKS = 2;

/**
 * `whole`: one PUT. `stream`: one PATCH with everything, without `Content-Range`, and an empty PUT, as docker and skopeo push. `chunks`: PATCHes of a
 * limited size and an empty PUT.
 */
export type Form = "stream" | "whole" | "chunks";

/** What a registry refused during a session, so that later blobs do not try it again. */
export interface RefusedForms {
  stream: boolean;
}

/** The next request of an upload. */
export interface UploadPart {
  readonly method: "PUT" | "PATCH";
  readonly end: number;
  /** Whether the request says where its content belongs. */
  readonly hasRange: boolean;
}

/** Decides whether a blob is sent in one PUT, in one PATCH and a PUT, or in chunks, and of which size. */
export class UploadForm {
  readonly #memory: RefusedForms;
  readonly #refused: Set<Form> = new Set();
  #form: Form;
  #chunkBytes = CHUNK_BYTES;
  #minChunk = 0;
  #breaks = 0;

  /** @param memory shared by the uploads to one registry */
  constructor(size: number, memory: RefusedForms = { stream: false }) {
    this.#memory = memory;
    this.#form = size >= STREAM_BYTES && !memory.stream ? "stream" : "whole";
  }

  /** The form of a new session. */
  get form(): Form {
    return this.#form;
  }

  get chunkBytes(): number {
    return this.#chunkBytes;
  }

  /** What to send next to a registry that has stored `received` of `size` bytes. A session with content is continued with one PATCH, or in chunks. */
  next(received: number, size: number): UploadPart {
    if (received === size || (received === 0 && this.#form === "whole")) return { method: "PUT", end: size, hasRange: false };
    if (this.#form === "chunks") return { method: "PATCH", end: Math.min(size, received + this.#chunkBytes), hasRange: true };
    return { method: "PATCH", end: size, hasRange: received > 0 };
  }

  /** Applies `OCI-Chunk-Min-Length`: chunks are used unless a form was refused before or the blob is smaller. */
  ask(minChunk: number, size: number): void {
    this.#minChunk = minChunk;
    if (this.#refused.size === 0 && size > minChunk && this.#form !== "chunks") {
      this.#form = "chunks";
      this.#chunkBytes = ASKED_CHUNK_BYTES;
    }
    this.#chunkBytes = Math.max(minChunk, this.#chunkBytes);
  }

  /** Records that the registry refuses the current form; returns false if none is left. */
  refuse(): boolean {
    if (this.#form === "stream") this.#memory.stream = true;
    return this.giveUp();
  }

  /** As {@link refuse}, for this blob only. */
  giveUp(): boolean {
    this.#refused.add(this.#form);
    const other: Form = this.#form === "whole" ? "chunks" : "whole";
    if (this.#refused.has(other)) return false;
    this.#form = other;
    return true;
  }

  /** Records a failure after which the registry had stored nothing; small chunks may succeed where one request does not. */
  broke(): void {
    if (this.#form !== "chunks" && ++this.#breaks >= MAX_BREAKS && !this.#refused.has("chunks")) this.#form = "chunks";
  }

  /** Makes the requests of a session with content smaller; returns false at the minimum. */
  shrink(): boolean {
    if (this.#form !== "chunks") {
      if (this.#refused.has("chunks")) return false;
      this.#form = "chunks";
      return true;
    }
    const smaller = Math.max(SMALLEST_CHUNK_BYTES, this.#minChunk, Math.floor(this.#chunkBytes / 2));
    if (smaller >= this.#chunkBytes) return false;
    this.#chunkBytes = smaller;
    return true;
  }
}
