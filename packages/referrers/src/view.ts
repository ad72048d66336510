import type { Descriptor, Digest, IndexEntry, Manifest, OcilotError } from "@ocilot/layout/spec";

/** What opening a descriptor gave. A descriptor that is no manifest is not opened. */
export type ManifestNode =
  | { readonly state: "read"; readonly descriptor: Descriptor; readonly manifest: Manifest }
  | { readonly state: "absent"; readonly descriptor: Descriptor }
  | { readonly state: "damaged"; readonly descriptor: Descriptor; readonly error: OcilotError }
  | { readonly state: "blob"; readonly descriptor: Descriptor };

/** A blob that a plan would write, under the digest that it will have. */
export interface NewBlob {
  readonly descriptor: Descriptor;
  /** The content, which is always a JSON document. */
  readonly text: string;
}

/** A manifest that can be reached from `index.json`, and by which way it was reached first. */
export interface Reached {
  readonly node: ManifestNode;
  readonly position: number;
  /** The index that lists it; undefined for an entry of `index.json` and for a subject. */
  readonly within?: Digest;
}

/**
 * A layout as conventions and tools look at it: the entries of `index.json` and a way to open manifests, each at most
 * once. It may differ from the disk by edits that are only planned.
 */
export interface LayoutView {
  readonly entries: readonly IndexEntry[];
  readonly annotations: Readonly<Record<string, string>>;
  /** Opens manifests, many at once, in the order asked. The same list, asked for again, costs nothing; it must not be changed. */
  nodes(descriptors: readonly Descriptor[]): Promise<readonly ManifestNode[]>;
  /** Tells whether a blob of that name is there. */
  has(digest: Digest): Promise<boolean>;
  /** Everything that entries, index children and subjects lead to, each descriptor once. */
  reach(): Promise<readonly Reached[]>;
  /**
   * Manifests with a `subject` that nothing leads to; found by reading every blob, so only where that was asked for or a
   * `kind` entry calls for it.
   */
  unlisted(): Promise<readonly ManifestNode[]>;
  digestOf(text: string): Digest;
  /** The same layout as if some of its entries were not there; the others keep their positions. */
  narrow(keep: (entry: IndexEntry) => boolean): LayoutView;
  /** The same layout with other entries and some more blobs. */
  with(change: { entries?: readonly Descriptor[]; annotations?: Readonly<Record<string, string>>; blobs?: readonly NewBlob[] }): LayoutView;
}

/** The manifest behind a node, if it could be read. */
export function manifestOf(node: ManifestNode | undefined): Manifest | undefined {
  return node?.state === "read" ? node.manifest : undefined;
}
