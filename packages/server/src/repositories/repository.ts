import {
  type Descriptor,
  type Digest,
  type IndexSnapshot,
  type Layout,
  MAX_MANIFEST_BYTES,
  OCTET_STREAM,
  sniffManifest,
  untagEdits,
} from "@ocilot/layout";
import { ManifestCache, ManifestRecorder, type Recorded, openView, readGraph, removeManifest } from "@ocilot/referrers";
import { BlobVerdicts } from "./blob-verdicts.js";
import type { FileIdentity } from "./index-identity.js";
import { ReferrerLists } from "./referrer-lists.js";
import { Tags } from "./tags.js";
import { type ManifestWrite, WriteQueue } from "./write-queue.js";

/** What a repository is made from. */
export interface RepositoryOptions {
  /** False for archives. */
  readonly isWritable: boolean;
  /** Only the full names of this repository count as tags (default: every tag). */
  readonly names?: string;
  /** The directory of the layout, where there is one. */
  readonly directory?: string;
  /** Tells whether `index.json` may have changed; without it the file is read each time. */
  readonly identity?: FileIdentity;
  /** Milliseconds that a write waits for writers outside this process. */
  readonly lockWait: number;
  /** Called after each write of `index.json`, with the number of manifests that went in. */
  readonly onCommit?: (manifests: number) => void;
}

/** `index.json` as it is now, and what follows from it. */
interface State {
  readonly snapshot: IndexSnapshot;
  readonly tags: Tags;
  byDigest: ReadonlyMap<Digest, Descriptor> | undefined;
  referrers: Promise<ReferrerLists> | undefined;
}

/** One repository: a layout as the server sees it. Reading never writes. */
export class Repository {
  readonly name: string;
  readonly layout: Layout;
  readonly isWritable: boolean;
  readonly directory: string | undefined;
  readonly verdicts: BlobVerdicts = new BlobVerdicts();
  readonly #options: RepositoryOptions;
  readonly #cache: ManifestCache = new ManifestCache();
  readonly #queue: WriteQueue;
  #state: State | undefined;

  constructor(name: string, layout: Layout, options: RepositoryOptions) {
    this.name = name;
    this.layout = layout;
    this.isWritable = options.isWritable;
    this.directory = options.directory;
    this.#options = options;
    this.#queue = new WriteQueue(new ManifestRecorder(layout, { cache: this.#cache }), {
      wait: options.lockWait,
      tagsOf: (snapshot) => this.#tagsOf(snapshot),
      onRecorded: (recorded, manifests) => this.#follow(recorded, manifests),
    });
  }

  /** The layout holds other repositories too, whose names are not to be told here. */
  get isShared(): boolean {
    return this.#options.names !== undefined;
  }

  /** @throws OcilotError what reading `index.json` throws */
  async tags(): Promise<Tags> {
    return (await this.#read()).tags;
  }

  /**
   * The manifest that a tag or a digest names; undefined if there is none. A digest may be of anything in the layout that is a
   * manifest, listed or not.
   */
  async find(reference: { readonly tag: string } | { readonly digest: Digest }): Promise<Descriptor | undefined> {
    const state = await this.#read();
    if ("tag" in reference) return state.tags.get(reference.tag);
    state.byDigest ??= new Map(state.snapshot.entries.map((e) => [e.descriptor.digest, e.descriptor]));
    return state.byDigest.get(reference.digest) ?? (await this.#sniff(reference.digest));
  }

  /** The referrers of a manifest, which need not be here, as the Referrers API lists them. Sorted by digest. */
  async referrers(subject: Digest): Promise<readonly Descriptor[]> {
    const state = await this.#read();
    state.referrers ??= this.#readReferrers(state.snapshot);
    return (await state.referrers).of(subject);
  }

  /** Records a manifest whose blob is stored; resolves when it is on the disk. @throws what recording throws */
  async put(write: ManifestWrite): Promise<void> {
    await this.#queue.put(write);
  }

  /** Removes a tag; the manifest stays. @throws OcilotError `REF_NOT_FOUND`, and what writing throws */
  async untag(tag: string): Promise<void> {
    await this.layout.index.update((snapshot) => untagEdits(snapshot, this.#tagsOf(snapshot).nameOf(tag)), {
      wait: this.#options.lockWait,
    });
  }

  /** Removes a manifest with its tags and its records. @throws OcilotError `REF_NOT_FOUND`, `WRITE_REFUSED`, and what writing throws */
  async delete(digest: Digest): Promise<void> {
    await removeManifest(this.layout, digest, { wait: this.#options.lockWait });
  }

  /** Resolves when no write is waiting. */
  async idle(): Promise<void> {
    await this.#queue.idle();
  }

  async close(): Promise<void> {
    await this.idle();
    await this.layout.close();
  }

  async #read(): Promise<State> {
    const { identity } = this.#options;
    if (this.#state !== undefined && identity?.isSame() === true) return this.#state;
    identity?.keep();
    const snapshot = await this.layout.index.read();
    if (this.#state?.snapshot.digest !== snapshot.digest) this.#state = this.#stateOf(snapshot);
    return this.#state!;
  }

  #stateOf(snapshot: IndexSnapshot, referrers?: Promise<ReferrerLists>): State {
    return { snapshot, tags: this.#tagsOf(snapshot), byDigest: undefined, referrers };
  }

  #tagsOf(snapshot: IndexSnapshot): Tags {
    if (this.#state?.snapshot.digest === snapshot.digest) return this.#state.tags;
    return new Tags(snapshot.entries, this.#options.names);
  }

  /** What this server has written itself is known without reading it. */
  #follow({ base, snapshot, edges }: Recorded, manifests: number): void {
    const before = this.#state?.snapshot.digest === base ? this.#state.referrers : undefined;
    const referrers = before?.then((lists) => {
      for (const edge of edges) lists.add(edge);
      return lists;
    });
    this.#state = this.#stateOf(snapshot, referrers);
    this.#options.onCommit?.(manifests);
  }

  async #readReferrers(snapshot: IndexSnapshot): Promise<ReferrerLists> {
    return new ReferrerLists(await readGraph(await openView(this.layout, { snapshot, cache: this.#cache })));
  }

  async #sniff(digest: Digest): Promise<Descriptor | undefined> {
    const size = await this.layout.blobs.size(digest);
    if (size === undefined || size === 0 || size > MAX_MANIFEST_BYTES) return undefined;
    const mediaType = sniffManifest(await this.layout.blobs.bytes({ mediaType: OCTET_STREAM, digest, size }));
    return mediaType === OCTET_STREAM ? undefined : { mediaType, digest, size };
  }
}
