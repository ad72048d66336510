import {
  type Descriptor,
  type Digest,
  type IndexEntry,
  type IndexSnapshot,
  type Layout,
  MAX_MANIFEST_BYTES,
  OcilotError,
  REF_NAME,
  Sharing,
  sharedMap,
  isOcilotError,
  digestOf,
  manifestKind,
  parseManifest,
  sniffManifest,
} from "@ocilot/layout";
import { DescriptorMap } from "./descriptor-map.js";
import { kindOf } from "./kinds.js";
import { type LayoutView, type ManifestNode, type NewBlob, type Reached, manifestOf } from "./view.js";

/** Manifests read before they are parsed and their bytes let go: as many as a store reads between two turns of the event loop. */
const SLICE = 256;

/** How a layout is looked at. */
export interface ViewOptions {
  /** Read every blob for manifests that nothing leads to; a layout with `kind` entries is always read so. */
  scan?: boolean;
  /**
   * Fail where the system cannot read a blob, for want of rights or of open files. Otherwise such a manifest counts as
   * damaged, and whoever writes by that would write the layout without it.
   */
  strict?: boolean;
  signal?: AbortSignal;
}

/** A view of the layout as it is now, or as `snapshot` says it was. */
export async function openView(layout: Layout, options: ViewOptions & { snapshot?: IndexSnapshot } = {}): Promise<LayoutView> {
  const snapshot = options.snapshot ?? (await layout.index.read());
  return new OpenedView(snapshot.entries, snapshot.annotations, {
    layout,
    options,
    nodes: new DescriptorMap(),
    batches: new WeakMap(),
    sharing: new Sharing(),
    texts: new Map(),
    present: new Map(),
  });
}

/** What views of one layout share: every manifest is opened once, whatever is planned in between. */
interface Shared {
  readonly layout: Layout;
  readonly options: ViewOptions;
  readonly nodes: DescriptorMap<ManifestNode>;
  /** What was given for a whole list of descriptors, which is often asked for again. */
  readonly batches: WeakMap<readonly Descriptor[], readonly ManifestNode[]>;
  readonly sharing: Sharing;
  readonly texts: Map<Digest, string>;
  readonly present: Map<Digest, boolean>;
}

class OpenedView implements LayoutView {
  readonly entries: readonly IndexEntry[];
  readonly annotations: Readonly<Record<string, string>>;
  readonly #shared: Shared;
  #reach: Promise<readonly Reached[]> | undefined;
  #unlisted: Promise<readonly ManifestNode[]> | undefined;

  constructor(entries: readonly IndexEntry[], annotations: Readonly<Record<string, string>>, shared: Shared) {
    this.entries = entries;
    this.annotations = annotations;
    this.#shared = shared;
  }

  async nodes(descriptors: readonly Descriptor[]): Promise<readonly ManifestNode[]> {
    const { nodes, texts, batches, sharing } = this.#shared;
    const batch = batches.get(descriptors);
    if (batch !== undefined) return batch;
    const unread: Descriptor[] = [];
    const asked = new DescriptorMap<true>();
    for (const d of descriptors) {
      const known = nodes.get(d);
      // What was absent may be among the blobs that have been planned since.
      if (known !== undefined && (known.state !== "absent" || !texts.has(d.digest))) continue;
      const text = texts.get(d.digest);
      if (manifestKind(d.mediaType) === undefined) nodes.set(d, { state: "blob", descriptor: d });
      else if (text !== undefined) nodes.set(d, toNode(d, new TextEncoder().encode(text), sharing));
      else if (!asked.has(d)) {
        asked.set(d, true);
        unread.push(d);
      }
    }
    if (unread.length > 0) await this.#open(unread);
    const found = descriptors.map((d) => describedBy(nodes.get(d)!, d));
    if (!found.some((node) => node.state === "absent")) batches.set(descriptors, found);
    return found;
  }

  /** A slice at a time, so that the bytes of many manifests are never held at once. */
  async #open(unread: readonly Descriptor[]): Promise<void> {
    const { nodes, layout, options, sharing } = this.#shared;
    const limits = { maxBytes: MAX_MANIFEST_BYTES, ...(options.signal && { signal: options.signal }) };
    for (let start = 0; start < unread.length; start += SLICE) {
      const slice = unread.slice(start, start + SLICE);
      const read = await layout.blobs.bytesMany(slice, limits);
      if (options.strict === true) refuseUnread(read);
      for (const [i, d] of slice.entries()) nodes.set(d, toNode(d, read[i]!, sharing));
    }
  }

  async has(digest: Digest): Promise<boolean> {
    const { present, texts, layout } = this.#shared;
    if (texts.has(digest)) return true;
    const known = present.get(digest);
    if (known !== undefined) return known;
    const found = await layout.blobs.has(digest);
    present.set(digest, found);
    return found;
  }

  reach(): Promise<readonly Reached[]> {
    this.#reach ??= this.#walk();
    return this.#reach;
  }

  unlisted(): Promise<readonly ManifestNode[]> {
    this.#unlisted ??= this.#scan();
    return this.#unlisted;
  }

  digestOf(text: string): Digest {
    return digestOf(new TextEncoder().encode(text));
  }

  narrow(keep: (entry: IndexEntry) => boolean): LayoutView {
    return new OpenedView(this.entries.filter(keep), this.annotations, this.#shared);
  }

  with(change: {
    entries?: readonly Descriptor[];
    annotations?: Readonly<Record<string, string>>;
    blobs?: readonly NewBlob[];
  }): LayoutView {
    const texts = new Map(this.#shared.texts);
    for (const blob of change.blobs ?? []) texts.set(blob.descriptor.digest, blob.text);
    const entries = change.entries?.map((descriptor, position): IndexEntry => {
      const was = this.entries[position];
      if (was?.descriptor === descriptor && was.position === position) return was;
      const tag = descriptor.annotations?.[REF_NAME];
      return tag ? { position, descriptor, tag } : { position, descriptor };
    });
    return new OpenedView(entries ?? this.entries, change.annotations ?? this.annotations, { ...this.#shared, texts });
  }

  /** Level by level, so that each level is one batch of reads; a descriptor seen before is not followed again. */
  async #walk(): Promise<readonly Reached[]> {
    const reached: Reached[] = [];
    const seen = new DescriptorMap<true>();
    let level: Step[] = [];
    for (const { descriptor, position } of this.entries) enqueue(level, seen, { descriptor, position });
    while (level.length > 0) {
      const steps = level;
      const nodes = await this.nodes(steps.map((step) => step.descriptor));
      level = [];
      for (const [i, node] of nodes.entries()) {
        const { position, within } = steps[i]!;
        reached.push({ node, position, ...(within !== undefined && { within }) });
        const manifest = manifestOf(node);
        if (manifest === undefined) continue;
        for (const child of manifest.manifests) enqueue(level, seen, { descriptor: child, position, within: node.descriptor.digest });
        if (manifest.subject !== undefined) enqueue(level, seen, { descriptor: manifest.subject, position });
      }
    }
    return reached;
  }

  async #scan(): Promise<readonly ManifestNode[]> {
    const { layout, options } = this.#shared;
    // cosign save leaves the signatures of bundles in blobs/ alone, with nothing but its `kind` entries to tell of it.
    if (options.scan !== true && !this.entries.some((e) => kindOf(e) !== undefined)) return [];
    const known = new Set<string>();
    for (const { node } of await this.reach()) {
      known.add(node.descriptor.digest);
      const manifest = manifestOf(node);
      for (const blob of [...(manifest?.layers ?? []), ...(manifest?.config ? [manifest.config] : [])]) known.add(blob.digest);
    }
    const found: ManifestNode[] = [];
    for await (const { digest, size } of layout.blobs.list()) {
      if (known.has(digest) || size === 0 || size > MAX_MANIFEST_BYTES) continue;
      const [bytes] = await layout.blobs.bytesMany([{ mediaType: "application/octet-stream", digest, size }]);
      if (options.strict === true) refuseUnread([bytes]);
      if (bytes === undefined || bytes instanceof OcilotError) continue;
      const mediaType = sniffManifest(bytes);
      const node = toNode({ mediaType, digest, size }, bytes, this.#shared.sharing);
      if (manifestOf(node)?.subject !== undefined) found.push(node);
    }
    return found;
  }
}

/** A descriptor to be followed, and the way to it. */
interface Step {
  readonly descriptor: Descriptor;
  readonly position: number;
  readonly within?: Digest;
}

function enqueue(level: Step[], seen: DescriptorMap<true>, step: Step): void {
  if (seen.has(step.descriptor)) return;
  seen.set(step.descriptor, true);
  level.push(step);
}

function refuseUnread(read: readonly unknown[]): void {
  const failed = read.find((bytes) => isOcilotError(bytes, "IO_ERROR"));
  if (failed !== undefined) throw failed;
}

function toNode(descriptor: Descriptor, bytes: Uint8Array | OcilotError, sharing: Sharing): ManifestNode {
  if (bytes instanceof OcilotError) {
    return isOcilotError(bytes, "BLOB_NOT_FOUND") ? { state: "absent", descriptor } : { state: "damaged", descriptor, error: bytes };
  }
  if (manifestKind(descriptor.mediaType) === undefined) return { state: "blob", descriptor };
  try {
    const manifest = parseManifest(bytes, descriptor.mediaType, descriptor.digest, sharing);
    const annotations = sharedMap(manifest.annotations, descriptor.annotations);
    return { state: "read", descriptor, manifest: annotations === manifest.annotations ? manifest : { ...manifest, annotations } };
  } catch (error) {
    if (!isOcilotError(error)) throw error;
    return { state: "damaged", descriptor, error };
  }
}

/** The same content under the descriptor that was asked for: what a line says of it is not what an entry says. */
function describedBy(node: ManifestNode, descriptor: Descriptor): ManifestNode {
  return node.descriptor === descriptor ? node : { ...node, descriptor };
}
