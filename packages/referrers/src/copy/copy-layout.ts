import { type Descriptor, type Layout, OcilotError, REF_NAME, type WriteOptions, compareDigests } from "@ocilot/layout";
import type { ConventionId, ReferrerEdge } from "../edge.js";
import type { ReferrerGraph } from "../graph.js";
import { openView } from "../layout-view.js";
import { readGraph } from "../read-graph.js";
import type { LayoutView } from "../view.js";
import { type Closure, type ClosureOptions, checkPlatforms, collectClosure } from "./closure.js";
import { type RootEntry, recordCopy, refuseTakenTags } from "./record-copy.js";
import { rewriteRoot } from "./rewrite-root.js";
import { SPARSE_PLATFORMS, isLeftOut, keptPlatforms } from "./sparse.js";
import { type CopyProgress, transferBlobs } from "./transfer-blobs.js";

export interface CopyOptions extends ClosureOptions, WriteOptions {
  /** What to copy, as `Layout.resolve` takes it; everything that `index.json` leads to unless told. */
  readonly reference?: string;
  /** The tag in the target; that of the source unless told. Only with a reference. */
  readonly tag?: string;
  /** Write these conventions; unless told those that the target speaks, else those of the source, else `universal`. */
  readonly conventions?: readonly ConventionId[];
  /** Let a tag move that the target has on something else. */
  readonly force?: boolean;
  /** With `platforms`: give the tag a new, smaller index instead of one with absent children. */
  readonly rewriteIndex?: boolean;
  /** Go on where the source lacks content that belongs to the copy; it is listed in the result. */
  readonly allowMissing?: boolean;
  /** Share the files of the source's blobs where the file system can. */
  readonly link?: boolean;
  readonly onProgress?: (event: CopyProgress) => void;
}

export interface CopyResult {
  readonly root?: Descriptor;
  readonly tag?: string;
  readonly manifests: number;
  readonly referrers: number;
  /** Blobs that were written; those that were there are only counted. */
  readonly written: { readonly blobs: number; readonly bytes: number };
  readonly present: number;
  /** Children left out because of their platform. */
  readonly omitted: readonly Descriptor[];
  /** What the source lacks. Empty unless `allowMissing`. */
  readonly missing: readonly Descriptor[];
  /** Referrers of an index that `rewriteIndex` replaced: they sign what is no longer there. */
  readonly left: readonly ReferrerEdge[];
}

/**
 * Copies an image with its platforms and every referrer, of the image, of each platform, of each referrer; or a whole
 * layout. Blobs come first, then one replacement of the target's `index.json`, so a crash leaves the old target and
 * perhaps blobs that nothing names. A target given as a function is made only when nothing stands in the way any more.
 * Nothing that belongs to the copy is left out in silence.
 * @throws OcilotError `REF_NOT_FOUND`, `BLOB_NOT_FOUND`, `BLOB_CORRUPT`, `SIZE_MISMATCH`, `WRITE_REFUSED` for a taken
 * tag, `CONVERSION_REFUSED`, and what writing throws
 */
export async function copyLayout(source: Layout, target: Layout | (() => Promise<Layout>), options: CopyOptions = {}): Promise<CopyResult> {
  const view = await openView(source, { scan: true, ...(options.signal && { signal: options.signal }) });
  const graph = await readGraph(view);
  const roots = await rootsOf(source, view, options);
  for (const root of roots) await checkRoot(view, root, options);
  const closure = withOwnLinks(await collectClosure(view, graph, roots.map((r) => r.descriptor), options), graph, roots);
  const missing = await missingContent(source, closure, roots);
  if (missing.length > 0 && options.allowMissing !== true) throw lacking(missing);
  if (typeof target !== "function") await refuseTakenTags(target, roots, options.force ?? false);
  const rewritten = options.rewriteIndex === true ? await rewriteRoot(source, roots[0]!, closure) : undefined;
  const destination = typeof target === "function" ? await target() : target;
  const figures = await transferBlobs(source, destination, closure, new Set(missing.map((d) => d.digest)), rewritten, options);
  const kept = rewritten === undefined ? closure.edges : closure.edges.filter((e) => e.subject !== roots[0]!.descriptor.digest);
  const final = rewritten === undefined ? roots.map((r) => sparseRoot(r, closure)) : [{ ...roots[0]!, descriptor: rewritten.descriptor }];
  await recordCopy({ source: view, sourceGraph: graph, target: destination, roots: final, edges: kept }, options);
  const [only] = options.reference === undefined ? [] : final;
  return {
    ...(only !== undefined && { root: only.descriptor }),
    ...(only?.tag !== undefined && { tag: only.tag }),
    manifests: closure.manifests.size,
    referrers: kept.length,
    ...figures,
    omitted: closure.omitted,
    missing,
    left: closure.edges.filter((e) => !kept.includes(e)),
  };
}

async function rootsOf(source: Layout, view: LayoutView, options: CopyOptions): Promise<RootEntry[]> {
  if (options.reference === undefined) return view.entries.map(({ descriptor, tag }) => ({ descriptor, ...(tag !== undefined && { tag }) }));
  const descriptor = await source.resolve(options.reference);
  const name = descriptor.annotations?.[REF_NAME];
  const entry = view.entries.find((e) => e.descriptor.digest === descriptor.digest && (e.tag ?? "") === (name ?? ""));
  const tag = options.tag ?? entry?.tag;
  return [{ descriptor: entry?.descriptor ?? descriptor, ...(tag !== undefined && { tag }) }];
}

async function checkRoot(view: LayoutView, root: RootEntry, options: CopyOptions): Promise<void> {
  if (options.platforms === undefined || options.reference === undefined) return;
  const [node] = await view.nodes([root.descriptor]);
  checkPlatforms(node!, options.platforms);
}

/** A root of which platforms were left out says so on its entry, so that their absence is told apart from damage. */
function sparseRoot(root: RootEntry, closure: Closure): RootEntry {
  const kept = keptPlatforms(root.descriptor, closure);
  if (kept === undefined) return root;
  return { ...root, descriptor: { ...root.descriptor, annotations: { ...root.descriptor.annotations, [SPARSE_PLATFORMS]: kept } } };
}

/** A root that refers to something outside the copy keeps that link. */
function withOwnLinks(closure: Closure, graph: ReferrerGraph, roots: readonly RootEntry[]): Closure {
  const digests = new Set(roots.map((r) => r.descriptor.digest));
  const own = graph.edges().filter((e) => digests.has(e.referrer.digest) && !closure.edges.includes(e));
  return { ...closure, edges: [...closure.edges, ...own] };
}

/** What belongs to the copy and is not in the source; platforms that an earlier sparse copy left out do not count. */
async function missingContent(source: Layout, closure: Closure, roots: readonly RootEntry[]): Promise<Descriptor[]> {
  const missing = closure.unreadable.map((n) => {
    if (n.state === "damaged") throw n.error;
    return n.descriptor;
  });
  for (const blob of closure.blobs.values()) if (!(await source.blobs.has(blob.digest))) missing.push(blob);
  const descriptors = roots.map((r) => r.descriptor);
  return missing.filter((d) => !isLeftOut(d, descriptors)).toSorted((a, b) => compareDigests(a.digest, b.digest));
}

function lacking(missing: readonly Descriptor[]): OcilotError<"BLOB_NOT_FOUND"> {
  const first = missing[0]!;
  const more = missing.length > 1 ? ` and ${missing.length - 1} more` : "";
  return new OcilotError("BLOB_NOT_FOUND", `the source lacks ${first.digest} (${first.mediaType})${more}, which belongs to the copy`, { digest: first.digest }, {
    hint: "Nothing was copied. Mend the source, choose platforms with --platform, or copy what there is with --allow-missing.",
  });
}
