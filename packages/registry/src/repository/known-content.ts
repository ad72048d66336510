import { type Descriptor, type Digest, type Manifest, manifestKind } from "@ocilot/layout/spec";

/** What a registry is known to hold, so that it need not be asked again. */
export class KnownContent {
  readonly #manifests: Map<Digest, Descriptor> = new Map();
  readonly #blobs: Map<Digest, number> = new Map();
  readonly #children: Set<Digest> = new Set();
  /** True while nobody has pushed anything into the repository. */
  isEmpty = false;

  addManifest(d: Descriptor): void {
    this.#manifests.set(d.digest, d);
  }

  addBlob(digest: Digest, size: number): void {
    this.#blobs.set(digest, size);
  }

  /** A registry takes a manifest only with the blobs that it names; children of an index some do without. */
  addNamedBy(manifest: Manifest): void {
    for (const { digest } of manifest.manifests) this.#children.add(digest);
    for (const d of [...(manifest.config ? [manifest.config] : []), ...manifest.layers]) {
      // A layer with addresses of its own may be kept elsewhere.
      if ((d.urls ?? []).length === 0 && manifestKind(d.mediaType) === undefined) this.#blobs.set(d.digest, d.size);
    }
  }

  manifest(digest: Digest): Descriptor | undefined {
    return this.#manifests.get(digest);
  }

  /** Tells whether an index that is there names a manifest, so that it is probably there too. */
  isChild(digest: Digest): boolean {
    return this.#children.has(digest);
  }

  size(digest: Digest): number | undefined {
    return this.#manifests.get(digest)?.size ?? this.#blobs.get(digest);
  }

  forget(digest: Digest): void {
    this.#manifests.delete(digest);
    this.#blobs.delete(digest);
  }
}
