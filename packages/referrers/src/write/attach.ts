import { type Descriptor, type Digest, type Layout, OcilotError, type WriteOptions } from "@ocilot/layout/web";
import { readGraph } from "../conventions/read-graph.js";
import type { ConventionId } from "../graph/edge.js";
import { openView } from "../view/open-view.js";
import { checkSubject, composeManifest } from "./compose-manifest.js";
import { deleteReplaced, timeBefore } from "./delete-replaced.js";
import { checkMediaType } from "./media-type.js";
import { type NewReferrer, layersOf } from "./new-referrer.js";
import { putBlobs } from "./project-records.js";
import { recordInRegistry, recordReferrer } from "./record-referrer.js";
import { restoreLayers, storeLayers } from "./store-layers.js";
import { isStillRecorded } from "./still-recorded.js";
import { type DanglingSubject, absentSubject, subjectDescriptor } from "./subject.js";
import { sleep } from "./sleep.js";

/** Milliseconds to watch `index.json` after the write where another program is seen to write at the same time. */
const CONTENTION_MS = 500;
const JITTER_MS = 200;
/** In milliseconds (default: as for the lock). */
const DEFAULT_WAIT_MS = 30_000;

/** How a new referrer is recorded. */
export interface AttachOptions extends WriteOptions {
  /** Record it in these conventions; by default in those in use, or in `universal` if there are none. */
  readonly conventions?: readonly ConventionId[];
  /** Allow a subject that is not in the layout. */
  readonly allowDangling?: boolean;
  /**
   * Milliseconds to watch `index.json` after the write for a program that takes no lock and overwrites it; by default it is
   * looked at once. Where `index.json` changed during the run it is watched longer in any case.
   */
  readonly settle?: number;
  /** Called after each layer is stored. */
  readonly onProgress?: (event: { readonly stored: Descriptor; readonly done: number; readonly total: number }) => void;
}

/**
 * Attaches a referrer to a subject: an image, an index, the manifest of a platform, another referrer. The layers are stored
 * first; then, with the lock held, the manifest, its records and at last `index.json`. Layers that a garbage collection removed
 * in between are stored again, and a record that a program without a lock overwrote is written again. Attaching the same
 * referrer twice changes nothing. A crash leaves unreferenced blobs, or the complete referrer.
 * @returns the descriptor of the referrer
 * @throws OcilotError `REF_NOT_FOUND`, `USAGE`, `DOCUMENT_INVALID`, `WRITE_REFUSED`, `CONVERSION_REFUSED`, `LOCK_BUSY`, and what writing throws
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { attach } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const image = await layout.resolve("v1");
 * const content = new TextEncoder().encode("{}");
 * const referrer = await attach(layout, image.digest, {
 *   artifactType: "application/spdx+json",
 *   layers: [{ source: content, mediaType: "application/spdx+json", title: "sbom.spdx.json" }],
 * });
 * console.log(referrer.digest);
 * ```
 */
export async function attach(
  layout: Layout,
  subject: Digest | DanglingSubject,
  referrer: NewReferrer,
  options: AttachOptions = {},
): Promise<Descriptor> {
  const wanted = typeof subject === "string" ? { digest: subject } : subject;
  const { allowDangling = false } = options;
  if ("artifactType" in referrer) checkMediaType(referrer.artifactType);
  if (!allowDangling && !(await layout.blobs.has(wanted.digest))) throw absentSubject(wanted.digest);
  const seen = (await layout.index.read()).digest;
  const layers = await storeLayers(layout, layersOf(referrer), options);

  const deadline = Date.now() + (options.wait ?? DEFAULT_WAIT_MS);
  for (let attempt = 1; ; attempt++) {
    let attached: Descriptor | undefined;
    let base: Digest | undefined;
    let replaced: readonly Digest[] = [];
    let started = 0;
    const written = await layout.index.update(async (snapshot) => {
      base = snapshot.digest;
      await restoreLayers(layout, layers, options);
      const view = await openView(layout, { snapshot, strict: true });
      const parts = layers.map((l) => l.descriptor);
      const manifest = await composeManifest(
        referrer,
        parts,
        async () => await subjectDescriptor(layout, async () => await readGraph(view), wanted, allowDangling),
      );
      await checkSubject(layout, manifest, wanted.digest);
      const record = layout.keepsEntries ? recordReferrer : recordInRegistry;
      const records = await record(view, manifest.planned, options.conventions);
      replaced = records.replaced;
      started = await timeBefore(layout, replaced);

      await putBlobs(layout, manifest.needs);
      await layout.blobs.put(manifest.bytes, { expect: manifest.descriptor });
      await putBlobs(layout, records.blobs);
      attached = manifest.descriptor;
      return records.edits;
    }, options);
    if (!layout.keepsEntries) return attached!;
    const patience = base === seen && attempt === 1 ? (options.settle ?? 0) : CONTENTION_MS;
    const link = { referrer: attached!.digest, subject: wanted.digest };
    if (await isStillRecorded(layout, written, link, patience)) {
      await deleteReplaced(layout, replaced, written, started, options);
      return attached!;
    }
    if (Date.now() > deadline) throw overwritten(attached!.digest, attempt, written.digest, (await layout.index.read()).digest);
    // Not in step with a program that writes again and again.
    await sleep(Math.random() * JITTER_MS, options.signal);
  }
}

function overwritten(referrer: Digest, attempts: number, expected: Digest, found: Digest): OcilotError<"INDEX_CONFLICT"> {
  return new OcilotError(
    "INDEX_CONFLICT",
    `${referrer} was recorded ${attempts} times, and each time another program replaced index.json without it`,
    { expected, found },
    { hint: "Wait until no other program writes to the layout, then run the command again." },
  );
}
