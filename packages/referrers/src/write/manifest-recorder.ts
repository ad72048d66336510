import {
  type Descriptor,
  type Digest,
  type RecordEdit,
  type IndexSnapshot,
  type Layout,
  OcilotError,
  type WriteOptions,
  bareDescriptor,
  tagEdits,
} from "@ocilot/layout/web";
import type { Convention } from "../conventions/convention.js";
import { readGraph } from "../conventions/read-graph.js";
import type { ReferrerEdge } from "../graph/edge.js";
import { type ReferrerGraph, subjectEdge } from "../graph/referrer-graph.js";
import { IndexDraft } from "../records/index-draft.js";
import type { IndexChange } from "../records/projection.js";
import { detachedDigests, detachedEdit } from "../view/detached.js";
import type { LayoutView, NewBlob } from "../view/layout-view.js";
import { ManifestCache } from "../view/manifest-cache.js";
import { openView } from "../view/open-view.js";
import { conventionsOf, conventionsToWrite, projectAll, putBlobs, writeDraft } from "./project-records.js";
import { type Appended, UniversalAppend } from "./universal-append.js";

/** A manifest on its way into `index.json`. */
export interface NewManifest {
  readonly descriptor: Descriptor;
  /** Its content, which the caller has checked; left out where the blob is in the layout. */
  readonly bytes?: Uint8Array;
  /** Its tags; without any it gets an entry of its own, unless it is listed already. */
  readonly tags: readonly string[];
}

/** What became of a write. */
export interface Recorded {
  /** The `index.json` that the write was made on. */
  readonly base: Digest;
  readonly snapshot: IndexSnapshot;
  /** The links that the manifests make. */
  readonly edges: readonly ReferrerEdge[];
}

/** What a write does. */
interface Plan {
  readonly edits: readonly RecordEdit[];
  readonly edges: readonly ReferrerEdge[];
  /** Lists of referrers, which are stored. */
  readonly blobs: readonly NewBlob[];
  /** With the new links; only where there are any. */
  readonly graph?: ReferrerGraph;
}

/** How long a replaced list is kept for readers of the old `index.json`, in milliseconds. */
const GRACE_MS = 2000;

/**
 * Records manifests in a layout, many in one write of `index.json`: tags, entries, and the links to their subjects in the
 * conventions that the layout uses (`universal` if it uses none). For a program that writes again and again: as long as nobody
 * else changes `index.json`, what was read before is not read again, and lists of referrers that its own writes have replaced are
 * removed. A crash leaves the old `index.json` or the new one, and perhaps such a list.
 */
export class ManifestRecorder {
  readonly #layout: Layout;
  readonly #cache: ManifestCache;
  readonly #grace: number;
  /** The graph of the layout as of the `index.json` with that digest. */
  #known: { readonly digest: Digest; readonly graph: ReferrerGraph } | undefined;
  /** The short way for the `index.json` that it fits. */
  #append: UniversalAppend | undefined;
  /** Lists that this object wrote and that `index.json` names. */
  readonly #lists: Set<Digest> = new Set();
  readonly #replaced: Map<Digest, number> = new Map();

  /** @param options `grace`: milliseconds that a list stays after a later write has replaced it (default: 2,000) */
  constructor(layout: Layout, options: { readonly cache?: ManifestCache; readonly grace?: number } = {}) {
    const { cache = new ManifestCache(), grace = GRACE_MS } = options;
    this.#layout = layout;
    this.#cache = cache;
    this.#grace = grace;
  }

  /**
   * Asks `choose` what to record in `index.json` as it is under the lock, and records it; if somebody else's write comes
   * between, it is asked again.
   * @throws OcilotError `BLOB_NOT_FOUND` if the blob of a manifest is not in the layout, and what writing throws
   */
  async record(
    choose: (snapshot: IndexSnapshot) => readonly NewManifest[] | Promise<readonly NewManifest[]>,
    options: WriteOptions = {},
  ): Promise<Recorded> {
    let plan: Plan | undefined;
    let base: IndexSnapshot | undefined;
    try {
      const snapshot = await this.#layout.index.update(async (found) => {
        base = found;
        plan = await this.#plan(found, await choose(found));
        await this.#sweep(found);
        return plan.edits;
      }, options);
      this.#follow(base!, snapshot, plan!);
      return { base: base!.digest, snapshot, edges: plan!.edges };
    } catch (error) {
      // The graph may hold links that were not written.
      this.#known = undefined;
      this.#append = undefined;
      throw error;
    }
  }

  async #plan(base: IndexSnapshot, manifests: readonly NewManifest[]): Promise<Plan> {
    const view = await openView(this.#layout, { snapshot: base, strict: true, cache: this.#cache });
    await this.#ensureStored(manifests);
    const nodes = await view.nodes(manifests.map((m) => m.descriptor));
    const edges = nodes.flatMap((node) => subjectEdge(node, { convention: "oras" }) ?? []);
    const entries = entryEdits(base, manifests, new Set(edges.map((e) => e.referrer.digest)));
    if (edges.length === 0) return { edits: entries, edges, blobs: [] };
    const isFollowed = this.#known?.digest === base.digest;
    const graph = isFollowed ? this.#known!.graph : await readGraph(view);
    this.#known = undefined;
    const appended = isFollowed ? await this.#tryAppend(base, edges, { view, graph, inserts: entries }) : undefined;
    for (const edge of edges) graph.add(edge);
    if (appended !== undefined) {
      await putBlobs(this.#layout, appended.blobs);
      return { ...appended, edges, graph };
    }
    this.#append = undefined;
    const draft = await this.#draft(view, entries, { graph, edges });
    return { edits: await writeDraft(this.#layout, draft, view, graph), blobs: draft.projection().blobs, edges, graph };
  }

  /** Under the lock, so that nobody deletes it before it is recorded. What is there and whole is not written again. */
  async #ensureStored(manifests: readonly NewManifest[]): Promise<void> {
    const { blobs } = this.#layout;
    const found = await blobs.bytesMany(manifests.map((m) => m.descriptor));
    const absent = new Map<Digest, { descriptor: Descriptor; bytes: Uint8Array }>();
    for (const [i, { descriptor, bytes }] of manifests.entries()) {
      if (found[i] instanceof Uint8Array) blobs.keep?.(descriptor.digest);
      else if (bytes === undefined) throw notStored(descriptor.digest);
      else absent.set(descriptor.digest, { descriptor, bytes });
    }
    if (absent.size > 1 && blobs.putMany !== undefined) await blobs.putMany([...absent.values()]);
    else for (const { descriptor, bytes } of absent.values()) await blobs.put(bytes, { expect: descriptor });
  }

  /** From the second write on there is a short way, where the layout uses `universal`. */
  async #tryAppend(
    base: IndexSnapshot,
    edges: readonly ReferrerEdge[],
    context: { readonly view: LayoutView; readonly graph: ReferrerGraph; readonly inserts: readonly RecordEdit[] },
  ): Promise<Appended | undefined> {
    if (this.#append?.fits(base) !== true) this.#append = await UniversalAppend.of(base, context.view, context.graph);
    return await this.#append?.plan(edges, context);
  }

  #follow(base: IndexSnapshot, snapshot: IndexSnapshot, { graph, blobs, edits, edges }: Plan): void {
    if (graph !== undefined) this.#known = { digest: snapshot.digest, graph };
    else if (this.#known?.digest === base.digest) this.#known = { ...this.#known, digest: snapshot.digest };
    if (this.#append?.fits(base) === true && !this.#append.follow(edits, { snapshot, blobs, edges })) this.#append = undefined;
    this.#note(snapshot, blobs);
  }

  /** A list that would be larger than tools read is not written: then each referrer has its entry, and that is all. */
  async #draft(
    view: LayoutView,
    entries: readonly RecordEdit[],
    { graph, edges }: { graph: ReferrerGraph; edges: readonly ReferrerEdge[] },
  ): Promise<IndexDraft> {
    const subjects = new Set(edges.map((e) => e.subject));
    const concerned = graph.filter((e) => subjects.has(e.subject));
    let refusals: readonly string[] = [];
    const ways: (() => Promise<readonly Convention[]>)[] = [
      async () => await conventionsToWrite(view),
      async () => conventionsOf(["oras", "containerd"]),
    ];
    for (const way of ways) {
      const draft = new IndexDraft(view);
      draft.apply({ changes: entries.map(toChange), blobs: [] });
      refusals = await projectAll(draft, concerned, await way());
      if (refusals.length === 0) return draft;
    }
    throw new OcilotError("CONVERSION_REFUSED", `not recorded: ${refusals[0]}`, { to: "oras,containerd", reasons: refusals });
  }

  #note(snapshot: IndexSnapshot, blobs: readonly NewBlob[]): void {
    for (const { descriptor } of blobs) this.#lists.add(descriptor.digest);
    if (this.#lists.size === 0) return;
    const named = new Set(snapshot.entries.map((e) => e.descriptor.digest));
    for (const list of this.#lists) {
      if (named.has(list)) continue;
      this.#lists.delete(list);
      this.#replaced.set(list, Date.now());
    }
  }

  /** Under the lock, where nobody can begin to name a list again. */
  async #sweep(base: IndexSnapshot): Promise<void> {
    const due = [...this.#replaced].filter(([, since]) => Date.now() - since >= this.#grace);
    if (due.length === 0) return;
    const named = new Set(base.entries.map((e) => e.descriptor.digest));
    for (const [list, since] of due) {
      this.#replaced.delete(list);
      if (!named.has(list)) await this.#layout.blobs.delete(list, { before: since });
    }
  }
}

function toChange(edit: RecordEdit): IndexChange {
  if (edit.op !== "insert") return edit;
  const { descriptor } = edit;
  return { op: "add", key: { rank: "foreign", subject: descriptor.digest, digest: descriptor.digest }, descriptor };
}

/** The tags, and an entry for whatever would not be listed otherwise. The entries of referrers are for the conventions to write. */
function entryEdits(base: IndexSnapshot, manifests: readonly NewManifest[], referrers: ReadonlySet<Digest>): RecordEdit[] {
  const isReferrer = (d: Descriptor): boolean => referrers.has(d.digest);
  const edits = tagEdits(
    base,
    manifests.map(({ descriptor, tags }) => ({ descriptor, names: tags, isReferrer: isReferrer(descriptor) })),
  );
  const listed = new Set(base.entries.map((e) => e.descriptor.digest));
  for (const edit of edits) if (edit.op === "insert") listed.add(edit.descriptor.digest);
  for (const { descriptor } of manifests) {
    if (isReferrer(descriptor) || listed.has(descriptor.digest)) continue;
    listed.add(descriptor.digest);
    edits.push({ op: "insert", before: base.entries.length, descriptor: bareDescriptor(descriptor) });
  }
  const detached = detachedDigests(base.annotations);
  // One that was about to be deleted is wanted again.
  if (manifests.filter(({ descriptor }) => detached.delete(descriptor.digest)).length > 0) edits.push(detachedEdit(detached));
  return edits;
}

function notStored(digest: Digest): OcilotError<"BLOB_NOT_FOUND"> {
  return new OcilotError(
    "BLOB_NOT_FOUND",
    `${digest} is not in the layout`,
    { digest },
    { hint: "Store the manifest before it is recorded." },
  );
}
