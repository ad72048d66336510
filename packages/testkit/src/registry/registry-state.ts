import { createHash, randomUUID } from "node:crypto";

/** A manifest as it was pushed. */
export interface StoredManifest {
  readonly bytes: Buffer;
  readonly mediaType: string;
  /** The order in which manifests were pushed, for lists. */
  readonly pushed: number;
}

/** An upload that is under way. */
export interface Upload {
  readonly id: string;
  bytes: Buffer[];
  size: number;
  /** The end of the first chunk. */
  firstEnd?: number;
  wasCut?: boolean;
}

/** What one repository of a test registry holds. */
export class RepositoryState {
  readonly blobs: Map<string, Buffer> = new Map();
  readonly manifests: Map<string, StoredManifest> = new Map();
  readonly tags: Map<string, string> = new Map();
  readonly uploads: Map<string, Upload> = new Map();
  /** How often a tag is still to be answered with 500. */
  readonly unsettled: Map<string, number> = new Map();
  /** Lists as they were when they were first asked for. */
  readonly cachedLists: Map<string, readonly string[]> = new Map();
  /** Referrers that the API has forgotten. */
  readonly forgotten: Set<string> = new Set();
  referrerPushes = 0;
  #count = 0;

  putBlob(bytes: Buffer, algorithm = "sha256"): string {
    const digest = digestOfBytes(bytes, algorithm);
    this.blobs.set(digest, bytes);
    return digest;
  }

  putManifest(bytes: Buffer, mediaType: string, algorithm = "sha256"): string {
    const digest = digestOfBytes(bytes, algorithm);
    if (!this.manifests.has(digest)) this.manifests.set(digest, { bytes, mediaType, pushed: this.#count++ });
    return digest;
  }

  startUpload(): Upload {
    const upload: Upload = { id: randomUUID(), bytes: [], size: 0 };
    this.uploads.set(upload.id, upload);
    return upload;
  }

  /** The manifest under a tag or a digest, with its digest. */
  find(reference: string): (StoredManifest & { readonly digest: string }) | undefined {
    const digest = this.tags.get(reference) ?? reference;
    const found = this.manifests.get(digest);
    return found && { ...found, digest };
  }

  /** The digests of the referrers of a subject, in the order in which they were pushed. */
  referrersOf(subject: string): string[] {
    const found = [...this.manifests].filter(([digest, m]) => !this.forgotten.has(digest) && subjectOf(m) === subject);
    return found.toSorted(([, a], [, b]) => a.pushed - b.pushed).map(([digest]) => digest);
  }
}

export function digestOfBytes(bytes: Uint8Array, algorithm = "sha256"): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`;
}

/** The digest that a manifest names as its subject. */
export function subjectOf(manifest: StoredManifest): string | undefined {
  return documentOf(manifest)?.["subject"]?.digest;
}

// eslint-disable-next-line typescript/no-explicit-any
export function documentOf({ bytes }: Pick<StoredManifest, "bytes">): Record<string, any> | undefined {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return undefined;
  }
}
