import { LAYOUT_VERSION, type Digest, type Layout, OcilotError } from "@ocilot/layout";
import { TARGETS } from "../conventions/registry.js";
import { planConversion } from "../convert/plan.js";
import type { ConventionId } from "../edge.js";
import { openView } from "../layout-view.js";
import { readGraph } from "../read-graph.js";
import type { FindingCode } from "../verify/codes.js";
import { type Finding, bySeverity, finding, finish } from "../verify/finding.js";
import { keptUp } from "../kept-up.js";
import { recordFindings } from "../verify/record-findings.js";
import { contentFinding } from "../verify/use-findings.js";
import { takeInventory } from "../verify/uses.js";
import { unlistedFindings, verifyLayout } from "../verify/verify-layout.js";
import { type Offer, overlay } from "./overlay.js";

/** One thing that a repair does. */
export type RepairStep =
  | {
      readonly op: "fetch";
      readonly digest: Digest;
      readonly size: number;
      readonly why: "missing" | "damaged";
      readonly from: string;
      readonly path: string;
    }
  | { readonly op: "records"; readonly to: ConventionId; readonly changes: number }
  | { readonly op: "remove"; readonly file: string };

export interface RepairPlan {
  readonly steps: readonly RepairStep[];
  /** What stays as it is, and why. */
  readonly left: readonly Finding[];
  readonly offers: ReadonlyMap<Digest, Offer>;
}

export interface PlanRepairOptions {
  readonly from?: readonly Layout[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a repair takes from other layouts. */
const FETCHED: ReadonlySet<FindingCode> = new Set(["BLOB_MISSING", "BLOB_CORRUPT", "UNREADABLE"]);
/** What a conversion mends. */
const RECORDS: ReadonlySet<FindingCode> = new Set(["RECORD_STALE", "REFERRER_UNLISTED"]);
/** What stays and is nobody's fault here. */
const NOT_OURS: ReadonlySet<FindingCode> = new Set(["UNREFERENCED_BLOB", "PERMISSION", "SUBJECT_DANGLING"]);

/**
 * Works out what can be mended; writes nothing.
 * @throws OcilotError `LAYOUT_INVALID` if `index.json` cannot be read, `WRITE_REFUSED` if it must not be written; `ABORTED`
 */
export async function planRepair(layout: Layout, options: PlanRepairOptions = {}): Promise<RepairPlan> {
  await refuseUnreadable(layout, options.from ?? []);
  const { findings, evidence } = await verifyLayout(layout, { signal: options.signal });
  const { snapshot, contents } = evidence!;
  const covered = overlay(layout, options.from ?? [], contents, options.signal);
  const view = await openView(covered.layout, { scan: true, snapshot, ...(options.signal && { signal: options.signal }) });
  const graph = await readGraph(view);
  const inventory = await takeInventory(view, graph, snapshot.entries, true);
  const steps: RepairStep[] = [];
  const left: Finding[] = [];
  const offers = new Map<Digest, Offer>();
  const seen = new Set<Digest>();
  for (const use of inventory.uses) {
    const { digest } = use.descriptor;
    const content = await covered.own(digest);
    if (content.state === "whole" || seen.has(digest)) continue;
    const bad = contentFinding(use, content, inventory);
    // What was left out on purpose, or lies elsewhere on purpose, is not fetched.
    if (bad.severity !== "error") continue;
    seen.add(digest);
    const offer = FETCHED.has(bad.code) ? await covered.offer(digest) : undefined;
    if (offer === undefined) left.push(bad);
    else {
      offers.set(digest, offer);
      const why = content.state === "missing" ? "missing" : "damaged";
      steps.push({ op: "fetch", digest, size: offer.size, why, from: offer.source.location, path: bad.path });
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
    steps.push({ op: "records", to: records.to, changes: records.steps.length });
  const files = findings.flatMap((f) => (f.code === "LEFTOVER_FILE" && f.path.startsWith(".ocilot-") ? f.path : []));
  steps.push(...files.map((file) => ({ op: "remove" as const, file })));
  const isHandled = (f: Finding): boolean => RECORDS.has(f.code) || NOT_OURS.has(f.code) || files.includes(f.path) || seen.has(f.digest!);
  left.push(...findings.filter((f) => f.severity !== "info" && !isHandled(f)));
  return { steps, left: bySeverity(finish(left, layout.location, false)), offers };
}

/** The convention to convert to, so that all that the layout speaks is brought up to date; undefined if it speaks none. */
export async function recordTarget(layout: Layout): Promise<ConventionId | undefined> {
  const spoken = (await keptUp(await openView(layout, { scan: true }))).map((c) => c.id);
  return spoken.includes("universal") ? "universal" : spoken.find((id) => TARGETS.includes(id));
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
      `${error.message}; what it listed cannot be told from the blobs`,
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
  return `Nothing was changed. Put index.json back first, for example: cp ${other}/index.json ${layout.location}/index.json; then run repair again.`;
}
