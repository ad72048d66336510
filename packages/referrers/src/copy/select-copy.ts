import {
  type BlobListing,
  type Descriptor,
  type Digest,
  type IndexSnapshot,
  type Layout,
  OcilotError,
  type Platform,
  checkTag,
} from "@ocilot/layout";
import { readGraph } from "../conventions/read-graph.js";
import type { ReferrerEdge } from "../graph/edge.js";
import type { ReferrerGraph } from "../graph/referrer-graph.js";
import { contentBesideEntries } from "../view/content-beside-entries.js";
import { type LayoutView, type NewBlob, manifestOf } from "../view/layout-view.js";
import { ManifestCache } from "../view/manifest-cache.js";
import { openView } from "../view/open-view.js";
import { formatPlatform } from "../platform/parse-platform.js";
import { SPARSE_PLATFORMS } from "../platform/sparse-platforms.js";
import { DigestSearch } from "../view/named-digests.js";
import { hasOthers, unneededBlobs } from "../view/unreferenced-blobs.js";
import { type PlatformChoice, choosePlatforms, withShare } from "./choose-platforms.js";
import type { StatementKind } from "../evidence/statement.js";
import { chooseKinds, unchosenEdges } from "./choose-kinds.js";
import { type Closure, collectClosure } from "./closure.js";
import type { RootEntry } from "./copied-entries.js";
import { allRoots, namedRoots, onlyRoot } from "./copy-roots.js";
import { type DockerSelection, selectDocker } from "./docker-documents.js";
import { rewriteRoot } from "./rewrite-root.js";
import { type ContentSources, selectContent } from "./select-content.js";

/** What to copy, independent of the target. */
export interface SelectOptions {
  /** Only these platforms of an image index (default: all). */
  readonly platforms?: readonly Platform[];
  /** Referrers of every manifest that is copied, of those referrers, and so on (default: true). */
  readonly referrers?: boolean;
  /**
   * Only referrers that state something of these kinds, and what refers to them (default: all). What refers to a referrer that is left out
   * is left out too.
   */
  readonly kinds?: readonly StatementKind[];
  /** What to copy, as `Layout.resolve` takes it (default: everything that `index.json` and Docker's files lead to). */
  readonly reference?: string;
  /** Several of them, instead of `reference`. */
  readonly references?: readonly string[];
  /** The tag in the target (default: that of the source). Only with one reference. */
  readonly tag?: string;
  /** With `platforms`: give the tag a new, smaller index instead of one with absent children. */
  readonly rewriteIndex?: boolean;
  /** Copy the rest if the source lacks content that belongs to the copy; the result lists it. */
  readonly allowMissing?: boolean;
  /** Platforms that are missing in the source by design count as missing content. */
  readonly requireComplete?: boolean;
  /** Leave out the lists that conventions keep for referrers: a registry has its own. */
  readonly withoutLists?: boolean;
  readonly signal?: AbortSignal;
}

/** Everything that belongs to a copy, and how the target is to list it. */
export interface CopySelection extends ContentSources {
  readonly source: LayoutView;
  readonly sourceGraph: ReferrerGraph;
  /** True where the copy is of everything. */
  readonly isWhole: boolean;
  readonly roots: readonly RootEntry[];
  /** The platforms of image indexes that are copied. */
  readonly platforms: readonly string[];
  readonly edges: readonly ReferrerEdge[];
  /** An index that replaces that of the root. */
  readonly rewritten?: NewBlob;
  /** The index that `rewritten` replaces. */
  readonly replaced?: Digest;
  readonly manifests: number;
  /** What was read of the manifests that are copied. */
  readonly opened: ManifestCache;
  /** Children that were left out because of their platform. */
  readonly omitted: readonly Descriptor[];
  /** Referrers of what is copied that were left out because of their kind. */
  readonly unchosen: readonly ReferrerEdge[];
  /** Referrers of the index that `rewritten` replaces. */
  readonly left: readonly ReferrerEdge[];
  /** Docker's files; only of a copy of everything. */
  readonly docker?: DockerSelection;
  /** Blobs of the source that are not referenced; only of a copy of everything. */
  readonly unreferenced: readonly BlobListing[];
  /** Those of them that a member of `index.json` names that a later one of the same name replaces. */
  readonly replacedEntries: readonly Digest[];
}

/**
 * Returns what belongs to a copy; writes nothing.
 * @throws OcilotError `REF_NOT_FOUND`, `REF_AMBIGUOUS`, `BLOB_NOT_FOUND` for content that the source lacks, `USAGE`, and what
 * reading throws
 */
export async function selectCopy(source: Layout, options: SelectOptions): Promise<CopySelection> {
  const { signal, platforms, rewriteIndex = false } = options;
  if (options.tag !== undefined) checkTag(options.tag);
  const snapshot = await source.index.read();
  const view = await openView(source, { snapshot, scan: true, strict: true, ...(signal && { signal }) });
  const graph = await readGraph(view);
  const references = options.references ?? (options.reference === undefined ? undefined : [options.reference]);
  const isWhole = references === undefined;
  if (isWhole && platforms !== undefined) {
    throw new OcilotError("USAGE", "platforms are chosen of an image, not of a whole layout", { argument: "platform" });
  }
  if (isWhole && options.kinds !== undefined) {
    throw new OcilotError("USAGE", "kinds are chosen of the referrers of an image, not of a whole layout", { argument: "kind" });
  }
  const roots = isWhole
    ? await allRoots(view, graph, options.withoutLists ?? false)
    : await namedRoots(source, view, references, options.tag);
  const replaced = rewriteIndex ? onlyRoot(roots).descriptor.digest : undefined;
  const signing = replaced === undefined ? graph : graph.filter((e) => e.subject !== replaced);
  const descriptors = roots.map((r) => r.descriptor);
  const choice = await choosePlatforms(source, view, descriptors, platforms);
  const starts = isWhole ? [...descriptors, ...(await contentBesideEntries(source, view))] : descriptors;
  const chosen = await chooseKinds(source, view, signing, { roots: starts, leaveOut: choice.leaveOut, kinds: options.kinds, signal });
  const collected = await collectClosure(source, view, chosen, starts, {
    leaveOut: choice.leaveOut,
    hasMore: async (closure) => source.keepsEntries && (await hasOthers(source, closure)),
    signal,
    ...(options.referrers !== undefined && { referrers: options.referrers }),
  });
  const closure = withOwnLinks(collected, signing, roots);
  const sources = await selectContent(source, view, chosen, closure, {
    wanted: choice.taken,
    requireComplete: options.requireComplete ?? false,
  });
  if (sources.missing.length > 0 && options.allowMissing !== true) throw lacking(sources.missing);
  const own = isWhole && source.keepsEntries ? new Set([...closure.manifests.keys(), ...closure.blobs.keys()]) : undefined;
  const unreferenced = own === undefined ? [] : await unneededBlobs(source, own);
  const rewritten = replaced === undefined ? undefined : await rewriteRoot(source, onlyRoot(roots), closure);
  const shared = sharedRoots(roots, choice, closure, sources, isWhole);
  return {
    source: view,
    sourceGraph: graph,
    isWhole,
    roots: rewritten === undefined ? shared : [{ ...roots[0]!, descriptor: rewritten.descriptor }],
    platforms: copiedPlatforms(choice, closure, sources),
    edges: closure.edges,
    ...sources,
    content: sources.content.filter((d) => d.digest !== replaced),
    ...(rewritten && { rewritten }),
    ...(replaced !== undefined && { replaced }),
    manifests: closure.manifests.size,
    opened: new ManifestCache(closure.manifests.values()),
    omitted: closure.omitted,
    unchosen: options.referrers === false ? [] : unchosenEdges(signing, chosen, closure),
    left: replaced === undefined || options.referrers === false ? [] : graph.of(replaced),
    ...(isWhole && { docker: await selectDocker(source, configsOf(closure, descriptors)) }),
    unreferenced,
    replacedEntries: replacedEntries(snapshot, unreferenced),
  };
}

/** What `index.json` names and no tool reads. There is none where no member occurs twice, in whatever letters. */
function replacedEntries({ bytes, quirks }: IndexSnapshot, unreferenced: readonly BlobListing[]): Digest[] {
  if (unreferenced.length === 0 || !quirks.some((q) => q.kind === "duplicate-key" || q.kind === "misspelled-member")) return [];
  const search = new DigestSearch();
  search.add(bytes);
  const named = new Set(search.found);
  return unreferenced.map((b) => b.digest).filter((digest) => named.has(digest));
}

function copiedPlatforms({ tables }: PlatformChoice, { omitted }: Closure, { absent }: ContentSources): string[] {
  const out = new Set([...omitted, ...absent].map((d) => d.digest));
  const images = [...tables.values()].flatMap((table) => table.images).filter((i) => !out.has(i.descriptor.digest));
  return [...new Set(images.map((i) => formatPlatform(i.platform)))];
}

/** A copy of everything notes no more than the source does. */
function sharedRoots(
  roots: readonly RootEntry[],
  choice: PlatformChoice,
  { omitted }: Closure,
  { absent }: ContentSources,
  isWhole: boolean,
): RootEntry[] {
  const out = new Set([...omitted, ...absent].map((d) => d.digest));
  const isNoted = ({ descriptor: d }: RootEntry): boolean => !isWhole || d.annotations?.[SPARSE_PLATFORMS] !== undefined;
  return roots.map((r) => withShare(r, choice, isNoted(r) ? out : new Set()));
}

/** The configs of the images that entries lead to. */
function configsOf({ manifests }: Closure, roots: readonly Descriptor[]): Set<Digest> {
  const configs = new Set<Digest>();
  const seen = new Set<Digest>();
  for (let level = roots.map((d) => d.digest); level.length > 0;) {
    const fresh = level.filter((digest) => !seen.has(digest) && seen.add(digest));
    const found = fresh.flatMap((digest) => manifestOf(manifests.get(digest)) ?? []);
    for (const { config } of found) if (config !== undefined) configs.add(config.digest);
    level = found.flatMap((m) => m.manifests.map((d) => d.digest));
  }
  return configs;
}

/** A root that refers to something outside the copy keeps that link. */
function withOwnLinks(closure: Closure, graph: ReferrerGraph, roots: readonly RootEntry[]): Closure {
  const digests = new Set(roots.map((r) => r.descriptor.digest));
  const known = new Set(closure.edges);
  const own = graph.edges().filter((e) => digests.has(e.referrer.digest) && !known.has(e));
  return { ...closure, edges: [...closure.edges, ...own] };
}

function lacking(missing: readonly Descriptor[]): OcilotError<"BLOB_NOT_FOUND"> {
  const first = missing[0]!;
  const more = missing.length > 1 ? ` and ${missing.length - 1} more` : "";
  return new OcilotError(
    "BLOB_NOT_FOUND",
    `${first.digest} (${first.mediaType})${more} is missing from the source`,
    { digest: first.digest },
    {
      hint: "Nothing was copied. Take it from another copy: ocilot repair LAYOUT --from OTHER; or choose platforms with --platform, or copy what is present with --allow-missing.",
    },
  );
}
