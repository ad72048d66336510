import type { Descriptor, Digest, IndexEntry, IndexSnapshot, Manifest, OcilotError } from "@ocilot/layout/spec";

/** What opening a descriptor gave. A descriptor that is no manifest is not opened. */
export type ManifestNode =
  | { readonly state: "read"; readonly descriptor: Descriptor; readonly manifest: Manifest }
  | ListedNode
  | { readonly state: "absent"; readonly descriptor: Descriptor }
  | { readonly state: "damaged"; readonly descriptor: Descriptor; readonly error: OcilotError }
  | { readonly state: "blob"; readonly descriptor: Descriptor };

/** A manifest that is present and was not opened: `line` is what the list of the referrers of `subject` says of it. */
export interface ListedNode {
  readonly state: "listed";
  readonly descriptor: Descriptor;
  readonly line: Descriptor;
  readonly subject: Digest;
}

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
  /** What the view was opened from; the same object for all views that derive from one. */
  readonly origin: object;
  readonly entries: readonly IndexEntry[];
  readonly annotations: Readonly<Record<string, string>>;
  /** Irregularities in the text of `index.json`. */
  readonly quirks: IndexSnapshot["quirks"];
  /** Members of `index.json` that the specification does not describe. */
  readonly otherMembers: IndexSnapshot["otherMembers"];
  /** Opens manifests, many at once, in the order asked. The same list, asked for again, costs nothing; it must not be changed. */
  nodes(descriptors: readonly Descriptor[]): Promise<readonly ManifestNode[]>;
  /** What the entries lead to, in their order. */
  entryNodes(): Promise<readonly ManifestNode[]>;
  /** Returns true if the layout has a blob of that name. */
  has(digest: Digest): Promise<boolean>;
  /**
   * The same layout in which the manifests of these lines are not opened: each counts as a referrer of `subject` of which the line says
   * all. A line whose manifest is missing is left out, and opening it tells so.
   */
  believe(lines: readonly Descriptor[], subject: Digest): Promise<LayoutView>;
  /** Everything that entries, index children and subjects lead to, each descriptor once. */
  reach(): Promise<readonly Reached[]>;
  /**
   * Manifests with a `subject` that are not reachable from `index.json`. Every blob is read to find them: only on request, or if a
   * `kind` entry calls for it.
   */
  unlisted(): Promise<readonly ManifestNode[]>;
  /**
   * The same layout as the tools in Go read it: manifests that ocilot refuses for the spelling of a member are read. It is the view
   * itself while none of those that were opened is such a one.
   */
  asGo(): LayoutView;
  digestOf(text: string): Digest;
  /** The same layout without some of its entries; the others keep their positions. */
  narrow(keep: (entry: IndexEntry) => boolean): LayoutView;
  /** The same layout with other entries and some more blobs. */
  with(change: { entries?: readonly Descriptor[]; annotations?: Readonly<Record<string, string>>; blobs?: readonly NewBlob[] }): LayoutView;
}

/**
 * The manifest behind a node, if it could be read.
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { manifestOf, openView } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const view = await openView(layout);
 * const [node] = await view.nodes([await layout.resolve("v1")]);
 * console.log(manifestOf(node)?.mediaType);
 * ```
 */
export function manifestOf(node: ManifestNode | undefined): Manifest | undefined {
  return node?.state === "read" ? node.manifest : undefined;
}

/** What a node refers to: by its manifest, or by the list that is taken at its word. */
export function subjectOf(node: ManifestNode | undefined): Digest | undefined {
  return node?.state === "listed" ? node.subject : manifestOf(node)?.subject?.digest;
}
