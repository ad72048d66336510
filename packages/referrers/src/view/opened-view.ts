import {
  type Descriptor,
  type Digest,
  type IndexEntry,
  type IndexSnapshot,
  type Layout,
  MAX_MANIFEST_BYTES,
  OcilotError,
  REF_NAME,
  digestOf,
  isIoFailure,
  manifestKind,
  parseManifestAsGo,
  sniffManifest,
  visitBlobs,
} from "@ocilot/layout/web";
import { DescriptorMap, DescriptorSet, isSame } from "./descriptor-map.js";
import { detachedDigests } from "./detached.js";
import { entryKind } from "./entry-kind.js";
import { type LayoutView, type ListedNode, type ManifestNode, type NewBlob, type Reached, manifestOf } from "./layout-view.js";
import type { ManifestCache } from "./manifest-cache.js";
import { type NodeParsing, describedBy, toNode } from "./manifest-nodes.js";
import type { ViewOptions } from "./view-options.js";

/** What views of one layout share: every manifest is opened once, whatever is planned in between. */
export interface Shared extends NodeParsing {
  readonly layout: Layout;
  readonly options: ViewOptions & { readonly cache?: ManifestCache };
  readonly quirks: IndexSnapshot["quirks"];
  readonly otherMembers: IndexSnapshot["otherMembers"];
  readonly nodes: DescriptorMap<ManifestNode>;
  /** What was given for a whole list of descriptors, which is often asked for again. */
  readonly batches: WeakMap<readonly Descriptor[], readonly ManifestNode[]>;
  readonly texts: Map<Digest, string>;
  readonly present: Map<Digest, boolean>;
  /** Manifests that are not opened, because a list is taken at its word. */
  readonly listed?: DescriptorMap<ListedNode>;
}

/** A view that opens manifests as they are asked for. */
export class OpenedView implements LayoutView {
  readonly entries: readonly IndexEntry[];
  readonly annotations: Readonly<Record<string, string>>;
  readonly #shared: Shared;
  #entryNodes: Promise<readonly ManifestNode[]> | undefined;
  /** The view that this one was made from, until its entries are opened: most are the same. */
  #before: OpenedView | undefined;
  #reach: Promise<readonly Reached[]> | undefined;
  #unlisted: Promise<readonly ManifestNode[]> | undefined;
  #asGo: OpenedView | undefined;

  constructor(entries: readonly IndexEntry[], annotations: Readonly<Record<string, string>>, shared: Shared, before?: OpenedView) {
    this.entries = entries;
    this.annotations = annotations;
    this.#shared = shared;
    this.#before = before;
  }

  async nodes(descriptors: readonly Descriptor[]): Promise<readonly ManifestNode[]> {
    const { nodes, texts, batches, options, listed } = this.#shared;
    const batch = batches.get(descriptors);
    if (batch !== undefined) return batch;
    const unread: Descriptor[] = [];
    const kept: ManifestNode[] = [];
    const asked = new DescriptorSet();
    const known = descriptors.map((d) => {
      const node = listed?.get(d) ?? nodes.get(d);
      // What was absent may be among the blobs that have been planned since.
      return node === undefined || (node.state === "absent" && texts.has(d.digest)) ? undefined : describedBy(node, d);
    });
    for (let i = 0; i < descriptors.length; i++) {
      if (known[i] !== undefined) continue;
      const d = descriptors[i]!;
      const text = texts.get(d.digest);
      const before = options.cache?.get(d);
      if (manifestKind(d.mediaType) === undefined) nodes.set({ state: "blob", descriptor: d });
      else if (text !== undefined) nodes.set(toNode(d, new TextEncoder().encode(text), this.#shared));
      else if (!asked.add(d)) continue;
      else if (before === undefined) unread.push(d);
      else kept.push(describedBy(before, d));
    }
    // That it could be read once does not say that it is still there.
    const present = await this.#hasMany(kept.map((node) => node.descriptor.digest));
    for (let i = 0; i < kept.length; i++) {
      if (present[i] === true) nodes.set(kept[i]!);
      else unread.push(kept[i]!.descriptor);
    }
    if (unread.length > 0) await this.#open(unread);
    const found = known.map((node, i) => node ?? describedBy(nodes.get(descriptors[i]!)!, descriptors[i]!));
    if (!found.some((node) => node.state === "absent")) batches.set(descriptors, found);
    return found;
  }

  entryNodes(): Promise<readonly ManifestNode[]> {
    this.#entryNodes ??= this.#openEntries();
    return this.#entryNodes;
  }

  async #openEntries(): Promise<readonly ManifestNode[]> {
    const before = this.#before === undefined ? undefined : await this.#before.#entryNodes;
    this.#before = undefined;
    const known = this.entries.map(({ descriptor }, i) => {
      const node = before?.[i];
      return node?.state === "read" && isSame(node.descriptor, descriptor) ? describedBy(node, descriptor) : undefined;
    });
    const opened = await this.nodes(this.entries.flatMap(({ descriptor }, i) => (known[i] === undefined ? descriptor : [])));
    let next = 0;
    return known.map((node) => node ?? opened[next++]!);
  }

  async #open(unread: readonly Descriptor[]): Promise<void> {
    const { nodes, layout, options, parse } = this.#shared;
    const keep = (content: Uint8Array | OcilotError, d: Descriptor): void => {
      if (options.strict === true) refuseUnread(content);
      const node = toNode(d, content, this.#shared);
      nodes.set(node);
      if (parse === undefined) options.cache?.keep(d, node);
    };
    await visitBlobs(layout.blobs, unread, keep, { maxBytes: MAX_MANIFEST_BYTES, ...(options.signal && { signal: options.signal }) });
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

  async #hasMany(digests: readonly Digest[]): Promise<readonly boolean[]> {
    const { blobs } = this.#shared.layout;
    return (await blobs.hasMany?.(digests)) ?? (await Promise.all(digests.map((digest) => this.has(digest))));
  }

  async believe(lines: readonly Descriptor[], subject: Digest): Promise<LayoutView> {
    const present = await this.#hasMany(lines.map((d) => d.digest));
    const listed = new DescriptorMap<ListedNode>();
    for (const [i, line] of lines.entries()) if (present[i] === true) listed.set({ state: "listed", descriptor: line, line, subject });
    return new OpenedView(this.entries, this.annotations, { ...this.#shared, batches: new WeakMap(), listed });
  }

  get origin(): object {
    return this.#shared.layout;
  }

  get quirks(): IndexSnapshot["quirks"] {
    return this.#shared.quirks;
  }

  get otherMembers(): IndexSnapshot["otherMembers"] {
    return this.#shared.otherMembers;
  }

  reach(): Promise<readonly Reached[]> {
    this.#reach ??= this.#walk();
    return this.#reach;
  }

  unlisted(): Promise<readonly ManifestNode[]> {
    this.#unlisted ??= this.#scan();
    return this.#unlisted;
  }

  asGo(): LayoutView {
    if (this.#asGo !== undefined) return this.#asGo;
    if (this.#shared.parse !== undefined || !this.#shared.refused.any) return this;
    this.#asGo = new OpenedView(this.entries, this.annotations, {
      ...this.#shared,
      nodes: new DescriptorMap(),
      batches: new WeakMap(),
      parse: parseManifestAsGo,
    });
    return this.#asGo;
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
    return new OpenedView(entries ?? this.entries, change.annotations ?? this.annotations, { ...this.#shared, texts }, this);
  }

  /** Level by level, so that each level is one batch of reads; a descriptor seen before is not followed again. */
  async #walk(): Promise<readonly Reached[]> {
    const reached: Reached[] = [];
    const seen = new DescriptorSet();
    let level: Step[] = [];
    const ofEntries = await this.entryNodes();
    let nodes: readonly ManifestNode[] = ofEntries.filter((_, i) => enqueue(level, seen, this.entries[i]!));
    while (level.length > 0) {
      const steps = level;
      level = [];
      for (let i = 0; i < steps.length; i++) {
        const node = nodes[i]!;
        const { position, within } = steps[i]!;
        reached.push(within === undefined ? { node, position } : { node, position, within });
        const manifest = manifestOf(node);
        if (manifest === undefined) continue;
        for (const child of manifest.manifests) enqueue(level, seen, { descriptor: child, position, within: node.descriptor.digest });
        if (manifest.subject !== undefined) enqueue(level, seen, { descriptor: manifest.subject, position });
      }
      nodes = await this.nodes(level.map((step) => step.descriptor));
    }
    return reached;
  }

  async #scan(): Promise<readonly ManifestNode[]> {
    const { layout, options } = this.#shared;
    // cosign save leaves the signatures of bundles in blobs/ alone, with nothing but its `kind` entries to tell of it.
    if (options.scan !== true && !this.entries.some((e) => entryKind(e) !== undefined)) return [];
    const known = new Set<string>(detachedDigests(this.annotations));
    for (const { node } of await this.reach()) {
      known.add(node.descriptor.digest);
      const manifest = manifestOf(node);
      for (const blob of [...(manifest?.layers ?? []), ...(manifest?.config ? [manifest.config] : [])]) known.add(blob.digest);
    }
    const found: ManifestNode[] = [];
    for await (const { digest, size } of layout.blobs.list({ skip: known })) {
      if (known.has(digest) || size === 0 || size > MAX_MANIFEST_BYTES) continue;
      const [bytes] = await layout.blobs.bytesMany([{ mediaType: "application/octet-stream", digest, size }]);
      if (options.strict === true) refuseUnread(bytes);
      if (bytes === undefined || bytes instanceof OcilotError) continue;
      const mediaType = sniffManifest(bytes);
      const node = toNode({ mediaType, digest, size }, bytes, this.#shared);
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

function enqueue(level: Step[], seen: DescriptorSet, { descriptor, position, within }: Step): boolean {
  if (!seen.add(descriptor)) return false;
  level.push(within === undefined ? { descriptor, position } : { descriptor, position, within });
  return true;
}

function refuseUnread(content: unknown): void {
  if (isIoFailure(content)) throw content;
}
