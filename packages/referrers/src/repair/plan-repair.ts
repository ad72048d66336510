import { refuseRegistry } from "../view/refuse-registry.js";
import { LAYOUT_VERSION, type Digest, type Layout, OcilotError } from "@ocilot/layout";
import { TARGETS } from "../conventions/registry.js";
import { planConversion } from "../convert/plan-conversion.js";
import type { ConventionId } from "../graph/edge.js";
import { ownMediaType } from "../view/own-media-type.js";
import { openView } from "../view/open-view.js";
import { readGraph } from "../conventions/read-graph.js";
import type { FindingCode } from "../verify/finding-codes.js";
import { type Finding, bySeverity, finding, finish } from "../verify/finding.js";
import { maintainedConventions } from "../conventions/maintained-conventions.js";
import { recordFindings } from "../verify/record-findings.js";
import { contentFinding } from "../verify/use-findings.js";
import { takeInventory } from "../verify/blob-uses.js";
import { unlistedFindings } from "../verify/judge-evidence.js";
import type { VerifyOptions } from "../verify/evidence.js";
import { verifyLayout } from "../verify/verify-layout.js";
import { type Offer, overlay } from "./overlay.js";

/** One step of a repair. */
export type RepairStep =
  | {
      readonly op: "fetch";
      readonly digest: Digest;
      readonly size: number;
      readonly reason: "missing" | "corrupt";
      readonly from: string;
      readonly path: string;
    }
  /** The size that an entry of `index.json` states is set to that of the blob. */
  | { readonly op: "size"; readonly position: number; readonly digest: Digest; readonly size: number; readonly path: string }
  /** The media type that an entry of `index.json` states is set to that which its manifest states of itself. */
  | { readonly op: "media-type"; readonly position: number; readonly digest: Digest; readonly mediaType: string; readonly path: string }
  | { readonly op: "records"; readonly to: ConventionId; readonly changes: number }
  | { readonly op: "remove"; readonly file: string };

/** The steps of a repair, and the findings that stay. */
export interface RepairPlan {
  readonly steps: readonly RepairStep[];
  /** What is not repaired, and why. */
  readonly left: readonly Finding[];
  readonly offers: ReadonlyMap<Digest, Offer | EmbeddedOffer>;
}

/** A blob that its own descriptor embeds. `size` is in bytes. */
export interface EmbeddedOffer {
  readonly data: Uint8Array;
  readonly size: number;
}

/** Where a repair may take missing blobs from. */
export interface PlanRepairOptions {
  readonly from?: readonly Layout[] | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called while the content of the layout is hashed. */
  readonly onProgress?: VerifyOptions["onProgress"];
}

/** Findings that a repair fixes by fetching blobs. */
const FETCHED: ReadonlySet<FindingCode> = new Set(["BLOB_MISSING", "BLOB_CORRUPT", "BLOB_EMBEDDED", "UNREADABLE"]);
/** Findings that a conversion fixes. */
const RECORDS: ReadonlySet<FindingCode> = new Set(["RECORD_STALE", "REFERRER_UNLISTED"]);
/** Findings that are not for a repair. */
const NOT_OURS: ReadonlySet<FindingCode> = new Set(["UNREFERENCED_BLOB", "PERMISSION", "SUBJECT_DANGLING"]);

/**
 * Returns what can be repaired; writes nothing.
 * @throws OcilotError `LAYOUT_INVALID` if `index.json` cannot be read, `WRITE_REFUSED` if it must not be written; `ABORTED`
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { planRepair } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * console.log((await planRepair(layout)).steps);
 * ```
 */
export async function planRepair(layout: Layout, options: PlanRepairOptions = {}): Promise<RepairPlan> {
  refuseRegistry(layout, "a registry is repaired by pushing what is missing", "Copy a whole image to it with `ocilot copy`.");
  await refuseUnreadable(layout, options.from ?? []);
  const { findings, evidence } = await verifyLayout(layout, { signal: options.signal, onProgress: options.onProgress });
  const { snapshot, contents } = evidence!;
  const covered = overlay(layout, options.from ?? [], contents, options.signal);
  const view = await openView(covered.layout, { scan: true, snapshot, ...(options.signal && { signal: options.signal }) });
  const graph = await readGraph(view);
  const inventory = await takeInventory(covered.layout, view, graph, { entries: snapshot.entries, isWhole: true, signal: options.signal });
  const steps: RepairStep[] = [];
  const left: Finding[] = [];
  const offers = new Map<Digest, Offer | EmbeddedOffer>();
  const seen = new Set<Digest>();
  const misstated = new Set<Finding>();
  for (const bad of findings) {
    const content = bad.digest && contents.get(bad.digest);
    if (content?.state !== "whole" || !isOfEntry(bad)) continue;
    const { position, digest, path } = bad;
    const mediaType = bad.code === "MEDIA_TYPE_MISMATCH" ? await ownMediaType(layout, digest, content.size) : undefined;
    if (bad.code === "SIZE_MISMATCH") steps.push({ op: "size", position, digest, size: content.size, path });
    else if (mediaType !== undefined) steps.push({ op: "media-type", position, digest, mediaType, path });
    else continue;
    misstated.add(bad);
  }
  for (const use of inventory.uses) {
    const { digest } = use.descriptor;
    const content = await covered.own(digest);
    if (content.state === "whole" || seen.has(digest)) continue;
    const bad = contentFinding(use, content, inventory);
    // Platforms that are missing by design and layers that are not distributed are not fetched.
    if (bad.severity === "info" || bad.code === "SUBJECT_DANGLING") continue;
    seen.add(digest);
    const offer = FETCHED.has(bad.code) ? (embeddedOffer(inventory.embedded.get(digest)) ?? (await covered.offer(digest))) : undefined;
    if (offer === undefined) left.push(bad);
    else {
      offers.set(digest, offer);
      const reason = content.state === "missing" ? "missing" : "corrupt";
      steps.push({
        op: "fetch",
        digest,
        size: offer.size,
        reason,
        from: "data" in offer ? "a descriptor of it" : offer.source.location,
        path: bad.path,
      });
    }
  }
  const stale = [...(await recordFindings(view, graph, inventory.paths)), ...unlistedFindings(inventory)].filter((f) =>
    RECORDS.has(f.code),
  );
  const records =
    stale.length === 0
      ? undefined
      : await planConversion(covered.layout, { to: (await recordTarget(covered.layout)) ?? "universal", scan: true });
  if (records !== undefined && records.refusals.length > 0) {
    left.push(...stale, ...records.refusals.map((message) => finding("RECORD_CONFLICT", { message, fix: "" })));
  } else if (records !== undefined && records.steps.length > 0)
    steps.push({ op: "records", to: records.to as ConventionId, changes: records.steps.length });
  const files = findings.flatMap((f) => (f.code === "LEFTOVER_FILE" && f.path.startsWith(".ocilot-") ? f.path : []));
  steps.push(...files.map((file) => ({ op: "remove" as const, file })));
  const isHandled = (f: Finding): boolean =>
    misstated.has(f) || RECORDS.has(f.code) || NOT_OURS.has(f.code) || files.includes(f.path) || seen.has(f.digest!);
  left.push(...findings.filter((f) => f.severity !== "info" && !isHandled(f)));
  return { steps, left: bySeverity(finish(left, layout.location, false)), offers };
}

/** About what an entry of `index.json`, which nobody signs, states itself. */
function isOfEntry(f: Finding): f is Finding & { readonly position: number; readonly digest: Digest } {
  return f.steps.length === 1 && f.position !== undefined && f.digest !== undefined;
}

function embeddedOffer(data: Uint8Array | undefined): EmbeddedOffer | undefined {
  return data && { data, size: data.length };
}

/** Returns the target of a conversion that updates every convention in use; undefined if none is in use. */
export async function recordTarget(layout: Layout): Promise<ConventionId | undefined> {
  const inUse = (await maintainedConventions(await openView(layout, { scan: true }))).map((c) => c.id);
  return inUse.includes("universal") ? "universal" : inUse.find((id) => TARGETS.includes(id));
}

async function refuseUnreadable(layout: Layout, from: readonly Layout[]): Promise<void> {
  try {
    const { quirks } = await layout.index.read();
    if (quirks.length === 0 && layout.version === LAYOUT_VERSION) return;
    const why = quirks[0]?.message ?? `oci-layout states the version ${layout.version}`;
    throw new OcilotError(
      "WRITE_REFUSED",
      `${layout.location} is not repaired: ${why}`,
      { reason: "not-safe-to-write" },
      { hint: hint(layout, from) },
    );
  } catch (error) {
    if (!(error instanceof OcilotError) || error.code !== "LAYOUT_INVALID") throw error;
    throw new OcilotError(
      "LAYOUT_INVALID",
      `${error.message}; its entries cannot be derived from the blobs`,
      error.details as { file: string; reason: string },
      {
        cause: error,
        hint: hint(layout, from),
      },
    );
  }
}

function hint(layout: Layout, [source]: readonly Layout[]): string {
  const other = source?.location ?? "SOURCE";
  return `Nothing was changed. Restore index.json first, for example: cp ${other}/index.json ${layout.location}/index.json; then repair again.`;
}
