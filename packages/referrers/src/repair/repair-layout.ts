import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { type Layout, OcilotError, type WriteOptions, isOcilotError } from "@ocilot/layout";
import { groupBy } from "../graph/group-by.js";
import { convert } from "../convert/apply-plan.js";
import { type Finding, finding } from "../verify/finding.js";
import { type RepairPlan, type RepairStep, planRepair, recordTarget } from "./plan-repair.js";

/** Where missing blobs come from, and how a layout is repaired. */
export interface RepairOptions extends WriteOptions {
  /** Layouts to take blobs from, in this order. */
  readonly from?: readonly Layout[] | undefined;
  /** Return what would be done; write nothing. */
  readonly dryRun?: boolean | undefined;
  readonly onProgress?: ((event: RepairProgress) => void) | undefined;
}

/** Progress of a repair: first blobs are checked, then steps are taken. */
export interface RepairProgress {
  readonly phase: "check" | "repair";
  /** Blobs or steps. */
  readonly done: number;
  readonly total: number;
  /** Bytes hashed or fetched. */
  readonly bytes: number;
  readonly totalBytes: number;
}

/** What a repair did, or would do. */
export interface RepairResult {
  readonly dryRun: boolean;
  /** What was done, or would be. */
  readonly steps: readonly RepairStep[];
  /** Problems that are left. */
  readonly left: readonly Finding[];
}

/**
 * Repairs a layout: takes missing and corrupt blobs from other layouts or from the data of their descriptors, updates the records of
 * the conventions in use, lists referrers that no record lists, corrects sizes and media types that entries of `index.json` state, and
 * removes temporary files that an interrupted ocilot left. A corrupt blob is replaced in one step by a whole one; nothing else is deleted. A crash leaves
 * some steps done.
 * @throws OcilotError `LAYOUT_INVALID`, `WRITE_REFUSED`, `LOCK_BUSY`, `ABORTED`, and what writing throws
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { repairLayout } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const { steps, left } = await repairLayout(layout, { from: [await Layout.open("./whole")] });
 * console.log(steps.length, left);
 * ```
 */
export async function repairLayout(layout: Layout, options: RepairOptions = {}): Promise<RepairResult> {
  const plan = await planRepair(layout, {
    ...options,
    onProgress: ({ blobs, totalBlobs, bytes, totalBytes }) =>
      options.onProgress?.({ phase: "check", done: blobs, total: totalBlobs, bytes, totalBytes }),
  });
  if (options.dryRun === true || plan.steps.length === 0) return { dryRun: options.dryRun === true, steps: plan.steps, left: plan.left };
  const corrections = plan.steps.filter((s) => s.op === "size" || s.op === "media-type");
  if (corrections.length > 0) {
    await correctEntries(layout, corrections, options);
    // What such an entry leads to could not be read before.
    const rest = await repairLayout(layout, options);
    return { ...rest, steps: [...corrections, ...rest.steps] };
  }
  const left = [...plan.left];
  const done: RepairStep[] = [];
  const totalBytes = plan.steps.reduce((sum, step) => sum + (step.op === "fetch" ? step.size : 0), 0);
  let bytes = 0;
  const tell = (steps: number): void => options.onProgress?.({ phase: "repair", done: steps, total: plan.steps.length, bytes, totalBytes });
  for (const [i, step] of plan.steps.entries()) {
    tell(i);
    const onBytes = (more: number): void => {
      bytes += more;
      tell(i);
    };
    if (step.op === "fetch") await fetchBlob(layout, plan, step, { signal: options.signal, onBytes });
    else if (step.op === "records" && !(await rebuild(layout, left, options))) continue;
    if (step.op !== "remove") done.push(step);
  }
  const removals = plan.steps.filter((s) => s.op === "remove");
  const kept = await removeLeftovers(layout, removals, options);
  done.push(...removals.filter((s) => !kept.includes(s)));
  left.push(
    ...kept.map((s) =>
      finding("LEFTOVER_FILE", {
        steps: [{ kind: "file", file: s.file }],
        message: `${s.file} may belong to a running ocilot; it is removed once that has ended, or after a day`,
      }),
    ),
  );
  tell(plan.steps.length);
  return { dryRun: false, steps: done, left };
}

/** Entries that another program has changed meanwhile stay as they are. */
async function correctEntries(layout: Layout, corrections: readonly Correction[], { wait, signal }: RepairOptions): Promise<void> {
  await layout.index.update(
    ({ entries }) =>
      [...groupBy(corrections, (c) => c.position)].flatMap(([position, steps]) => {
        const d = entries[position]?.descriptor;
        if (d === undefined || d.digest !== steps[0]!.digest) return [];
        const size = steps.find((s) => s.op === "size")?.size ?? d.size;
        const mediaType = steps.find((s) => s.op === "media-type")?.mediaType ?? d.mediaType;
        if (size === d.size && mediaType === d.mediaType) return [];
        return [{ op: "retarget" as const, position, digest: d.digest, size, mediaType }];
      }),
    { ...(wait !== undefined && { wait }), ...(signal && { signal }) },
  );
}

interface FetchOptions {
  readonly signal: AbortSignal | undefined;
  readonly onBytes: (bytes: number) => void;
}

async function fetchBlob(
  layout: Layout,
  plan: RepairPlan,
  step: RepairStep & { op: "fetch" },
  { signal, onBytes }: FetchOptions,
): Promise<void> {
  const offer = plan.offers.get(step.digest)!;
  const expect = { mediaType: "application/octet-stream", digest: step.digest, size: offer.size };
  const content = "data" in offer ? offer.data : counted(await offer.source.blobs.open(expect), onBytes);
  await layout.blobs.put(content, { expect, ...(signal && { signal }) });
  if ("data" in offer) onBytes(offer.size);
}

async function* counted(chunks: AsyncIterable<Uint8Array>, onBytes: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    yield chunk;
    onBytes(chunk.length);
  }
}

/** Plans again, because fetched blobs can hold referrers. Returns false if the conversion was refused. */
async function rebuild(layout: Layout, left: Finding[], options: RepairOptions): Promise<boolean> {
  try {
    const { wait, signal } = options;
    const to = (await recordTarget(layout)) ?? "universal";
    await convert(layout, { to, scan: true, ...(wait !== undefined && { wait }), ...(signal && { signal }) });
    return true;
  } catch (error) {
    if (!isOcilotError(error, "CONVERSION_REFUSED")) throw error;
    if (!left.some((f) => f.code === "RECORD_CONFLICT"))
      left.push(
        ...(error as OcilotError<"CONVERSION_REFUSED">).details.reasons.map((message) => finding("RECORD_CONFLICT", { message, fix: "" })),
      );
    return false;
  }
}

type Correction = RepairStep & { readonly op: "size" | "media-type" };
type Removal = RepairStep & { readonly op: "remove" };

/** Every write removes, under the lock, what dead processes left; so does one that changes nothing. Returns what stays. */
async function removeLeftovers(layout: Layout, removals: readonly Removal[], options: RepairOptions): Promise<Removal[]> {
  if (removals.length === 0) return [];
  const { wait, signal } = options;
  await layout.index.update(() => [], { ...(wait !== undefined && { wait }), ...(signal && { signal }) });
  const kept: Removal[] = [];
  for (const removal of removals) {
    const isThere = await lstat(join(layout.location, removal.file)).then(
      () => true,
      () => false,
    );
    if (isThere) kept.push(removal);
  }
  return kept;
}
