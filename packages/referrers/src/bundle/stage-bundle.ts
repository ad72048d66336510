import { type Descriptor, type Digest, Layout, OcilotError, compareDigests, manifestKind, memoryBackend } from "@ocilot/layout";
import { readGraph } from "../conventions/read-graph.js";
import type { RootEntry } from "../copy/copied-entries.js";
import { recordCopy } from "../copy/record-copy.js";
import { type CopySelection, selectCopy } from "../copy/select-copy.js";
import { putNewBlobs } from "../copy/transfer-blobs.js";
import { splitName } from "../receipt/root-names.js";
import { recordKeys } from "../records/record-keys.js";
import { manifestOf } from "../view/layout-view.js";
import { openView } from "../view/open-view.js";
import type { BlobSize, BundleRoot } from "./bundle-document.js";
import type { BundleSource } from "./bundle-source.js";
import { CombinedBlobs } from "../copy/combined-blobs.js";

/** Everything that a bundle is about, as one layout that is nowhere yet. */
export interface StagedBundle {
  readonly layout: Layout;
  readonly roots: readonly BundleRoot[];
  /** The roots without untagged platforms of an index that is in the bundle, too: what people count. */
  readonly images: readonly BundleRoot[];
  /** In every part of the bundle. Lists of referrers that conventions keep are among them. */
  readonly manifests: readonly BlobSize[];
  /** Configs and layers, by digest. */
  readonly blobs: readonly BlobSize[];
  /** The largest date that a manifest or its entry gives, RFC 3339. */
  readonly newest?: string;
}

/**
 * Puts sources together into one layout, with all referrers. Reads manifests only. Names begin with the repository where a source has
 * one; a single layout keeps its `index.json` as it is. The order of the sources does not matter.
 * @throws OcilotError `REF_NOT_FOUND`, `BLOB_NOT_FOUND` for content that a source lacks, `WRITE_REFUSED` where two sources have one name on
 * different images, and what reading throws
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { stageBundle } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const { roots, blobs } = await stageBundle([{ layout, references: ["v1"] }]);
 * console.log(roots.length, blobs.length);
 * ```
 */
export async function stageBundle(sources: readonly BundleSource[], options: { signal?: AbortSignal } = {}): Promise<StagedBundle> {
  const blobs = new CombinedBlobs();
  const memory = memoryBackend();
  const layout = new Layout({ ...memory, location: "the bundle", blobs });
  const manifests = new Map<Digest, BlobSize>();
  const content = new Map<Digest, BlobSize>();
  const roots: BundleRoot[] = [];
  const holders = new Map<string, Digest>();
  const only = sources.length === 1 && isPlain(sources[0]!);
  for (const source of sources.toSorted(bySource)) {
    const selection = await selectCopy(source.layout, {
      ...(source.references !== undefined && { references: source.references }),
      ...(source.platforms !== undefined && { platforms: source.platforms }),
      withoutLists: !only,
      ...options,
    });
    const found = await rootsOf(selection);
    for (const root of found) {
      const named = nameRoot(source, root);
      const name = fullName(named);
      const holder = name === undefined ? undefined : holders.get(name);
      if (holder !== undefined && holder !== named.digest) throw nameTaken(name!, holder, named.digest);
      if (name !== undefined) holders.set(name, named.digest);
      roots.push(named);
    }
    blobs.add(source.layout.blobs, selection.content);
    for (const { digest, size, mediaType } of selection.content)
      (manifestKind(mediaType) === undefined ? content : manifests).set(digest, { digest, size });
    await putNewBlobs(layout, { embedded: selection.embedded });
    for (const { descriptor: d } of selection.embedded) content.set(d.digest, { digest: d.digest, size: d.size });
    const renamed = only ? selection.roots : found.map((root) => withName(root, fullName(nameRoot(source, root))));
    await recordCopy(source.layout, { ...selection, isWhole: only && selection.isWhole, roots: renamed }, layout, options);
  }
  for await (const { digest, size } of blobs.list()) if (!content.has(digest)) manifests.set(digest, { digest, size });
  const { newest, children } = await overviewOf(layout);
  const unique = uniqueRoots(roots);
  return {
    layout,
    roots: unique,
    images: unique.filter((r) => r.tag !== undefined || !children.has(r.digest)),
    manifests: byDigest(manifests.values()),
    blobs: byDigest(content.values()),
    ...(newest !== undefined && { newest }),
  };
}

/** What a selection is about: its entries without those that record links, which the conventions of the bundle write anew. */
async function rootsOf({ source, sourceGraph, roots, edges, isWhole }: CopySelection): Promise<RootEntry[]> {
  if (!isWhole) return [...roots];
  const records = await recordKeys(sourceGraph, source);
  const links = new Set(
    edges.flatMap((e) => (e.link === "N" ? e.evidence : [])).flatMap((v) => (v.within === undefined ? (v.position ?? []) : [])),
  );
  const left = new Set<Descriptor>();
  for (const e of source.entries) {
    const isListed = e.origin !== undefined && e.origin.by !== "tag";
    if (records.has(e.position) || links.has(e.position) || isListed) left.add(e.descriptor);
  }
  return roots.filter((r) => !left.has(r.descriptor));
}

function nameRoot({ repository }: BundleSource, { descriptor: { digest }, tag }: RootEntry): BundleRoot {
  if (repository !== undefined) return { digest, repository, ...(tag !== undefined && { tag }) };
  return { digest, ...(tag !== undefined && splitName(tag)) };
}

/**
 * The name of a root in `index.json`.
 * @example
 * ```ts
 * import { fullName } from "@ocilot/referrers";
 *
 * console.log(fullName({ repository: "registry.example/app", tag: "v1" })); // registry.example/app:v1
 * ```
 */
export function fullName(root: Pick<BundleRoot, "repository" | "tag">): string | undefined {
  const { repository, tag } = root;
  return tag === undefined || repository === undefined ? tag : `${repository}:${tag}`;
}

function withName(root: RootEntry, name: string | undefined): RootEntry {
  return name === undefined ? root : { ...root, tag: name };
}

/** Each root once; one that has a name needs no entry without. */
function uniqueRoots(roots: readonly BundleRoot[]): BundleRoot[] {
  const unique = new Map(roots.map((r) => [`${fullName(r) ?? ""}\n${r.repository ?? ""}\n${r.digest}`, r]));
  return [...unique.values()].toSorted(
    (a, b) => compareDigests(fullName(a) ?? "", fullName(b) ?? "") || compareDigests(a.digest, b.digest),
  );
}

/** A layout that is carried as it is: everything, under its own names. */
function isPlain({ repository, references, layout }: BundleSource): boolean {
  return repository === undefined && references === undefined && layout.keepsEntries;
}

function bySource(a: BundleSource, b: BundleSource): number {
  return compareDigests(a.repository ?? "", b.repository ?? "") || compareDigests(a.layout.location, b.layout.location);
}

function byDigest(blobs: Iterable<BlobSize>): BlobSize[] {
  return [...blobs].toSorted((a, b) => compareDigests(a.digest, b.digest));
}

const CREATED = "org.opencontainers.image.created";

/** The largest date in the manifests and entries, and what image indexes list. */
async function overviewOf(layout: Layout): Promise<{ readonly newest: string | undefined; readonly children: ReadonlySet<Digest> }> {
  const view = await openView(layout);
  const dates: string[] = [];
  const children = new Set<Digest>();
  for (const { node } of await view.reach()) {
    const { annotations = {}, manifests = [] } = manifestOf(node) ?? {};
    for (const { digest } of manifests) children.add(digest);
    for (const date of [annotations[CREATED], node.descriptor.annotations?.[CREATED]])
      if (date !== undefined && !Number.isNaN(Date.parse(date))) dates.push(new Date(date).toISOString());
  }
  for (const edge of (await readGraph(view)).edges()) {
    const date = edge.annotations[CREATED];
    if (date !== undefined && !Number.isNaN(Date.parse(date))) dates.push(new Date(date).toISOString());
  }
  return { newest: dates.toSorted().at(-1), children };
}

function nameTaken(name: string, one: Digest, other: Digest): OcilotError<"WRITE_REFUSED"> {
  return new OcilotError(
    "WRITE_REFUSED",
    `two sources have the name ${name}: on ${one} and on ${other}`,
    { reason: "tag-taken" },
    { hint: "Bundle them apart, or give one of them its full image name first: ocilot tag LAYOUT:TAG registry.example/app:TAG" },
  );
}
