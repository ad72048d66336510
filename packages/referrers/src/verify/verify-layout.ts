import { type Digest, type IndexEntry, type IndexSnapshot, type Layout, isOcilotError, resolveReference } from "@ocilot/layout";
import type { ReferrerGraph } from "../graph.js";
import { openView } from "../layout-view.js";
import { readGraph } from "../read-graph.js";
import type { LayoutView } from "../view.js";
import { type Content, type VerifyProgress, checkContent } from "./content.js";
import { fileFindings, listFiles } from "./files.js";
import { type Finding, bySeverity, finding, finish } from "./finding.js";
import { indexFindings } from "./index-findings.js";
import { recordFindings } from "./record-findings.js";
import { useFindings } from "./use-findings.js";
import { type Inventory, takeInventory } from "./uses.js";

export interface VerifyOptions {
  /** Only what these lead to, with every referrer; each as `Layout.resolve` takes it. Everything unless told. */
  readonly references?: readonly string[] | undefined;
  /** Raise warnings to errors. */
  readonly strict?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((event: VerifyProgress) => void) | undefined;
  /** Threads for large blobs, beside the one that asks; unless told one for each other core, 0 for none. */
  readonly workers?: number | undefined;
}

/** What was looked at, and what there is to say. */
export interface VerifyResult {
  /** Errors first. */
  readonly findings: readonly Finding[];
  readonly checked: { readonly manifests: number; readonly blobs: number; readonly bytes: number; readonly referrers: number };
  /** What requirements, receipts and repairs go on from; absent where `index.json` could not be read. */
  readonly evidence?: Evidence;
}

/** A layout as a verification has seen it. */
export interface Evidence {
  readonly snapshot: IndexSnapshot;
  /** The entries that were asked for. */
  readonly entries: readonly IndexEntry[];
  readonly view: LayoutView;
  readonly graph: ReferrerGraph;
  readonly inventory: Inventory;
  readonly contents: ReadonlyMap<Digest, Content>;
}

/**
 * Proves a layout: hashes every blob that something names, compares every descriptor with what it names, and every
 * record of a convention with what the manifests say. What is wrong is a finding and no error.
 * @throws OcilotError `REF_NOT_FOUND`, `REF_AMBIGUOUS` for a reference; `ABORTED`
 */
export async function verifyLayout(layout: Layout, options: VerifyOptions = {}): Promise<VerifyResult> {
  let evidence: Evidence;
  try {
    evidence = await gather(layout, options);
  } catch (error) {
    const found = fileError(error);
    if (found === undefined) throw error;
    return {
      findings: finish([found], layout.location, options.strict ?? false),
      checked: { manifests: 0, blobs: 0, bytes: 0, referrers: 0 },
    };
  }
  const { snapshot, inventory, contents } = evidence;
  const isWhole = options.references === undefined;
  const described = await useFindings(layout, inventory, contents);
  const findings = [
    ...layout.warnings.map((message) => finding("LAYOUT_VERSION", { steps: [{ kind: "file", file: "oci-layout" }], message })),
    ...described,
    ...unlistedFindings(inventory),
    ...(isWhole ? [...indexFindings(snapshot), ...(await recordsOf(evidence, described))] : []),
    ...(isWhole
      ? [
          ...(isComplete(inventory, described) ? await unreferenced(layout, inventory) : []),
          ...fileFindings((await listFiles(layout.location)) ?? []),
        ]
      : []),
  ];
  const sizes = [...contents.values()].flatMap((c) => ("size" in c ? c.size : []));
  return {
    findings: bySeverity(finish(findings, layout.location, options.strict ?? false)),
    checked: {
      manifests: inventory.manifests.size,
      blobs: sizes.length,
      bytes: sizes.reduce((sum, n) => sum + n, 0),
      referrers: new Set(inventory.edges.map((e) => e.referrer.digest)).size,
    },
    evidence,
  };
}

/** A layout that cannot even be opened, as a finding; undefined for what says nothing about the layout's content. */
export function fileError(error: unknown): Finding | undefined {
  if (!isOcilotError(error, "LAYOUT_INVALID", "LIMIT_EXCEEDED", "LINK_OUTSIDE", "IO_ERROR")) return undefined;
  const { file = "index.json", path } = error.details as Partial<Record<"file" | "path", string>>;
  if (error.code === "IO_ERROR" && path !== "index.json" && path !== "oci-layout") return undefined;
  const fix = `restore ${file} from the source of the layout`;
  return finding("UNREADABLE", { steps: [{ kind: "file", file }], message: error.message, fix });
}

async function gather(layout: Layout, options: VerifyOptions): Promise<Evidence> {
  const snapshot = await layout.index.read();
  const view = await openView(layout, { scan: true, snapshot, ...(options.signal && { signal: options.signal }) });
  const graph = await readGraph(view);
  const entries = options.references === undefined ? snapshot.entries : await entriesOf(layout, snapshot, options.references);
  const inventory = await takeInventory(view, graph, entries, options.references === undefined);
  const digests = new Set(inventory.uses.map((u) => u.descriptor.digest));
  return { snapshot, entries, view, graph, inventory, contents: await checkContent(layout, digests, options) };
}

/** The entries that references name; a digest without an entry becomes one for as long as this takes. */
async function entriesOf(layout: Layout, snapshot: IndexSnapshot, references: readonly string[]): Promise<IndexEntry[]> {
  const found: IndexEntry[] = [];
  for (const reference of references) {
    const descriptor = await resolveReference(snapshot, layout.blobs, reference);
    const entry = snapshot.entries.find((e) => e.descriptor === descriptor) ?? { position: -1, descriptor };
    if (!found.includes(entry)) found.push(entry);
  }
  return found;
}

/** A blob that cannot even be looked for stops the comparison of records; it has a finding of its own by then. */
async function recordsOf({ view, graph, inventory }: Evidence, described: readonly Finding[]): Promise<Finding[]> {
  try {
    return await recordFindings(view, graph, inventory.paths);
  } catch (error) {
    if (!isOcilotError(error) || error.code === "ABORTED") throw error;
    return described.some((f) => f.code === "UNREADABLE") ? [] : [finding("UNREADABLE", { message: error.message })];
  }
}

/** Referrers of what the layout leads to that only a scan of all blobs finds. */
export function unlistedFindings({ edges, paths }: Inventory): Finding[] {
  const hidden = edges.filter((e) => paths.has(e.subject) && e.evidence.every((v) => v.convention === "unlisted"));
  return hidden.map((e) =>
    finding("REFERRER_UNLISTED", {
      steps: paths.get(e.referrer.digest),
      digest: e.referrer.digest,
      message: `the referrer ${e.referrer.digest} of ${e.subject} is in blobs/ alone: nothing leads to it`,
    }),
  );
}

/** Below a manifest that is not there or cannot be read, nothing tells what it names: then no blob may be called needless. */
function isComplete({ uses }: Inventory, described: readonly Finding[]): boolean {
  const bad = new Set(described.filter((f) => f.severity === "error").map((f) => f.digest));
  return !uses.some((u) => u.slot === "manifest" && bad.has(u.descriptor.digest));
}

async function unreferenced(layout: Layout, { paths }: Inventory): Promise<Finding[]> {
  const found: { digest: Digest; size: number }[] = [];
  for await (const blob of layout.blobs.list()) if (!paths.has(blob.digest)) found.push(blob);
  return found
    .toSorted((a, b) => (a.digest < b.digest ? -1 : 1))
    .map(({ digest, size }) => finding("UNREFERENCED_BLOB", { digest, message: `${digest} (${size} bytes) is named by nothing` }));
}
