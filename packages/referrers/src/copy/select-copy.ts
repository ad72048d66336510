import { type Descriptor, type Digest, type Layout, OcilotError, REF_NAME, checkTag, compareDigests } from "@ocilot/layout";
import type { ReferrerEdge } from "../edge.js";
import type { ReferrerGraph } from "../graph.js";
import { openView } from "../layout-view.js";
import { readGraph } from "../read-graph.js";
import type { LayoutView, NewBlob } from "../view.js";
import { checkPlatforms } from "./check-platforms.js";
import { type Closure, type ClosureOptions, collectClosure } from "./closure.js";
import type { RootEntry } from "./copied-entries.js";
import { rewriteRoot } from "./rewrite-root.js";
import { SPARSE_PLATFORMS, leftOut, platformShare } from "./sparse.js";

/** What is to be copied, whatever it is copied into. */
export interface SelectOptions extends ClosureOptions {
  /** What to copy, as `Layout.resolve` takes it; everything that `index.json` leads to unless told. */
  readonly reference?: string;
  /** Several of them, in the place of `reference`. */
  readonly references?: readonly string[];
  /** The tag in the target; that of the source unless told. Only with one reference. */
  readonly tag?: string;
  /** With `platforms`: give the tag a new, smaller index instead of one with absent children. */
  readonly rewriteIndex?: boolean;
  /** Go on where the source lacks content that belongs to the copy; it is listed in the result. */
  readonly allowMissing?: boolean;
  readonly signal?: AbortSignal;
}

/** All that belongs to a copy, and how the target is to list it. */
export interface CopySelection {
  readonly source: LayoutView;
  readonly sourceGraph: ReferrerGraph;
  /** True where the copy is of everything. */
  readonly isWhole: boolean;
  readonly roots: readonly RootEntry[];
  readonly edges: readonly ReferrerEdge[];
  /** What the source has to give: layers first, manifests last. */
  readonly content: readonly Descriptor[];
  /** An index that takes the place of the root's. */
  readonly rewritten?: NewBlob;
  readonly manifests: number;
  readonly omitted: readonly Descriptor[];
  readonly missing: readonly Descriptor[];
  /** Referrers of the index that `rewritten` replaces. */
  readonly left: readonly ReferrerEdge[];
}

/**
 * Finds what belongs to a copy; nothing is written.
 * @throws OcilotError `REF_NOT_FOUND`, `BLOB_NOT_FOUND` for content that the source lacks, `USAGE`, and what reading throws
 */
export async function selectCopy(source: Layout, options: SelectOptions): Promise<CopySelection> {
  if (options.tag !== undefined) checkTag(options.tag);
  const view = await openView(source, { scan: true, strict: true, ...(options.signal && { signal: options.signal }) });
  const graph = await readGraph(view);
  const references = options.references ?? (options.reference === undefined ? undefined : [options.reference]);
  const roots = references === undefined ? entriesOf(view) : await rootsOf(source, view, references, options.tag);
  if (references === undefined && options.platforms !== undefined) {
    throw new OcilotError("USAGE", "platforms are chosen of an image, not of a whole layout", { argument: "platform" });
  }
  for (const root of roots) if (options.platforms !== undefined) await checkPlatforms(source, view, root.descriptor, options.platforms);
  const descriptors = roots.map((r) => r.descriptor);
  const replaced = options.rewriteIndex === true ? onlyRoot(roots).descriptor.digest : undefined;
  const signing = replaced === undefined ? graph : graph.filter((e) => e.subject !== replaced);
  const closure = withOwnLinks(await collectClosure(view, signing, descriptors, options), signing, roots);
  const missing = await missingContent(source, closure, options.platforms === undefined ? leftOut(closure, descriptors) : new Set());
  if (missing.length > 0 && options.allowMissing !== true) throw lacking(missing);
  const rewritten = replaced === undefined ? undefined : await rewriteRoot(source, onlyRoot(roots), closure);
  const absent = new Set(missing.map((d) => d.digest));
  const manifests = [...closure.manifests.values()].map((n) => n.descriptor).toReversed();
  return {
    source: view,
    sourceGraph: graph,
    isWhole: references === undefined,
    roots: rewritten === undefined ? roots.map((r) => withShare(r, closure)) : [{ ...roots[0]!, descriptor: rewritten.descriptor }],
    edges: closure.edges,
    content: [...closure.blobs.values(), ...manifests].filter((d) => !absent.has(d.digest) && d.digest !== replaced),
    ...(rewritten && { rewritten }),
    manifests: closure.manifests.size,
    omitted: closure.omitted,
    missing,
    left: replaced === undefined || options.referrers === false ? [] : graph.of(replaced).filter((e) => !closure.edges.includes(e)),
  };
}

function entriesOf(view: LayoutView): RootEntry[] {
  return view.entries.map(({ descriptor, tag }) => ({ descriptor, ...(tag !== undefined && { tag }) }));
}

async function rootsOf(source: Layout, view: LayoutView, references: readonly string[], newTag: string | undefined): Promise<RootEntry[]> {
  if (newTag !== undefined && references.length !== 1) {
    throw new OcilotError("USAGE", "a new tag goes with one reference", { argument: "tag" });
  }
  const roots: RootEntry[] = [];
  for (const reference of references) {
    const descriptor = await source.resolve(reference);
    const name = descriptor.annotations?.[REF_NAME];
    const entry = view.entries.find((e) => e.descriptor.digest === descriptor.digest && (e.tag ?? "") === (name ?? ""));
    const tag = newTag ?? entry?.tag;
    roots.push({ descriptor: noted(entry?.descriptor ?? descriptor, view), ...(tag !== undefined && { tag }) });
  }
  return roots;
}

/** Any entry of an index may tell that it is sparse. */
function noted(d: Descriptor, view: LayoutView): Descriptor {
  const notes = view.entries.flatMap((e) => (e.descriptor.digest === d.digest ? (e.descriptor.annotations?.[SPARSE_PLATFORMS] ?? []) : []));
  return notes[0] === undefined ? d : { ...d, annotations: { ...d.annotations, [SPARSE_PLATFORMS]: notes[0] } };
}

/** @throws OcilotError `USAGE` */
function onlyRoot(roots: readonly RootEntry[]): RootEntry {
  if (roots.length === 1) return roots[0]!;
  throw new OcilotError("USAGE", "an index is rewritten only where one image is copied", { argument: "rewrite-index" });
}

/** A root that has platforms comes with what of them is copied, so that their absence is told apart from damage. */
function withShare(root: RootEntry, closure: Closure): RootEntry {
  const share = platformShare(root.descriptor, closure);
  return share === undefined ? root : { ...root, share };
}

/** A root that refers to something outside the copy keeps that link. */
function withOwnLinks(closure: Closure, graph: ReferrerGraph, roots: readonly RootEntry[]): Closure {
  const digests = new Set(roots.map((r) => r.descriptor.digest));
  const known = new Set(closure.edges);
  const own = graph.edges().filter((e) => digests.has(e.referrer.digest) && !known.has(e));
  return { ...closure, edges: [...closure.edges, ...own] };
}

/** What belongs to the copy and is not in the source; platforms that an earlier sparse copy left out do not count. */
async function missingContent(source: Layout, closure: Closure, out: ReadonlySet<Digest>): Promise<Descriptor[]> {
  const missing = closure.unreadable.map((n) => {
    if (n.state === "damaged") throw n.error;
    return n.descriptor;
  });
  for (const blob of closure.blobs.values()) if (!(await source.blobs.has(blob.digest))) missing.push(blob);
  return missing.filter((d) => !out.has(d.digest)).toSorted((a, b) => compareDigests(a.digest, b.digest));
}

function lacking(missing: readonly Descriptor[]): OcilotError<"BLOB_NOT_FOUND"> {
  const first = missing[0]!;
  const more = missing.length > 1 ? ` and ${missing.length - 1} more` : "";
  return new OcilotError(
    "BLOB_NOT_FOUND",
    `the source lacks ${first.digest} (${first.mediaType})${more}, which belongs to the copy`,
    { digest: first.digest },
    {
      hint: "Nothing was copied. Mend the source, choose platforms with --platform, or copy what there is with --allow-missing.",
    },
  );
}
