import {
  type BlobSource,
  type Descriptor,
  type Digest,
  IMAGE_MANIFEST,
  type IndexEdit,
  type Layout,
  OcilotError,
  TITLE,
  type WriteOptions,
  digestOf,
  parseManifest,
} from "@ocilot/layout";
import type { Convention } from "../convention.js";
import { partsOf } from "../conventions/registry.js";
import type { ConventionId } from "../edge.js";
import { ReferrerGraph, subjectEdge } from "../graph.js";
import { IndexDraft } from "../index-draft.js";
import { openView } from "../layout-view.js";
import { readGraph } from "../read-graph.js";
import type { LayoutView } from "../view.js";
import { EMPTY_DESCRIPTOR, artifactManifest } from "./artifact-manifest.js";
import { neighbours, placeAmong } from "./neighbours.js";
import { conventionsOf, projectAll, writeDraft, writingConventions } from "./project-all.js";
import { type DanglingSubject, absentSubject, subjectDescriptor } from "./subject.js";

/** One file of a new artifact. */
export interface ArtifactLayer {
  readonly source: BlobSource;
  readonly mediaType: string;
  /** The name under which it is extracted again; a base name. */
  readonly title?: string;
}

/** An artifact whose manifest is to be made. */
export interface NewArtifact {
  readonly artifactType: string;
  readonly layers?: readonly ArtifactLayer[];
  readonly annotations?: Readonly<Record<string, string>>;
  /** RFC 3339; left out unless given, so that the same input gives the same digest. */
  readonly created?: string;
}

/** An artifact to be made, or a manifest that exists already and is taken as it is, byte for byte. */
export type NewReferrer = NewArtifact | { readonly manifest: Uint8Array; readonly mediaType?: string };

export interface AttachOptions extends WriteOptions {
  /** Write these conventions; unless told, those that the layout speaks, or `universal` if it speaks none. */
  readonly conventions?: readonly ConventionId[];
  /** Allow a subject that is not in the layout. */
  readonly allowDangling?: boolean;
  /** Told after each layer is stored. */
  readonly onProgress?: (event: { readonly stored: Descriptor; readonly done: number; readonly total: number }) => void;
}

/**
 * Attaches a referrer to a subject: a manifest, an index, a platform's manifest, another referrer. The layers are
 * stored first, then, under the layout's lock, the manifest and the records. Attaching the same thing twice changes
 * nothing. A crash leaves blobs that nothing names, or the whole.
 * @returns the descriptor of the referrer
 * @throws OcilotError `REF_NOT_FOUND`, `USAGE`, `WRITE_REFUSED`, `CONVERSION_REFUSED`, `LOCK_BUSY`, and what writing throws
 */
export async function attach(
  layout: Layout,
  subject: Digest | DanglingSubject,
  referrer: NewReferrer,
  options: AttachOptions = {},
): Promise<Descriptor> {
  const wanted = typeof subject === "string" ? { digest: subject } : subject;
  if ("artifactType" in referrer) checkMediaType(referrer.artifactType);
  if (options.allowDangling !== true && !(await layout.blobs.has(wanted.digest))) throw absentSubject(wanted.digest);
  const layers = "manifest" in referrer ? [] : await storeLayers(layout, referrer.layers ?? [], options);
  let result: Descriptor | undefined;
  await layout.index.update(async (snapshot) => {
    await refuseCollected(layout, layers);
    const view = await openView(layout, { snapshot, strict: true });
    const text = "manifest" in referrer ? referrer.manifest : new TextEncoder().encode(await compose(referrer, view));
    const mediaType = ("manifest" in referrer ? referrer.mediaType : undefined) ?? IMAGE_MANIFEST;
    result = { mediaType, digest: digestOf(text), size: text.length };
    await checkSubject(layout, text, result, wanted.digest);
    const isNew = !(await layout.blobs.has(result.digest));
    await layout.blobs.put(text, { expect: result });
    try {
      // A new view: to the one at hand the manifest may have been absent.
      return await record(layout, await openView(layout, { snapshot, strict: true }), result, options);
    } catch (error) {
      // A scan would find it.
      if (isNew) await layout.blobs.delete(result.digest);
      throw error;
    }
  }, options);
  return result!;

  async function compose({ artifactType, annotations, created }: NewArtifact, view: LayoutView): Promise<string> {
    await layout.blobs.put(new TextEncoder().encode("{}"), { expect: EMPTY_DESCRIPTOR });
    return artifactManifest({
      artifactType,
      layers,
      subject: await subjectDescriptor(layout, async () => await readGraph(view), wanted, options.allowDangling ?? false),
      ...(annotations !== undefined && { annotations }),
      ...(created !== undefined && { created }),
    });
  }
}

async function storeLayers(layout: Layout, layers: readonly ArtifactLayer[], options: AttachOptions): Promise<Descriptor[]> {
  const stored: Descriptor[] = [];
  for (const { source, mediaType, title } of layers) {
    checkMediaType(mediaType);
    const d = await layout.blobs.put(source, { mediaType, ...(options.signal && { signal: options.signal }) });
    stored.push(title === undefined ? d : { ...d, annotations: { [TITLE]: title } });
    options.onProgress?.({ stored: d, done: stored.length, total: layers.length });
  }
  return stored;
}

/** Between storing and recording a collection without grace may have taken a layer; then nothing is recorded. */
async function refuseCollected(layout: Layout, layers: readonly Descriptor[]): Promise<void> {
  for (const { digest } of layers) {
    if (await layout.blobs.has(digest)) continue;
    throw new OcilotError(
      "BLOB_NOT_FOUND",
      `${digest} was collected before it was attached`,
      { digest },
      { hint: "Run the command again." },
    );
  }
}

/** The edits that record the new referrer, after a check that every convention asked for then states it. */
async function record(layout: Layout, view: LayoutView, referrer: Descriptor, options: AttachOptions): Promise<readonly IndexEdit[]> {
  const [node] = await view.nodes([referrer]);
  const edge = subjectEdge(node!, { convention: "oras" });
  if (edge === undefined) throw notReferrer(referrer.digest, "it cannot be read as a manifest with a subject");
  const near = await neighbours(view, [edge.subject, referrer.digest]);
  if (near !== undefined) {
    const conventions = await chosenConventions(near, options);
    if (conventions.flatMap(partsOf).every((c) => c.traits.shape === "individual")) {
      const draft = new IndexDraft(near);
      await project(draft, new ReferrerGraph([edge]), conventions);
      return await placeAmong(view, draft.projection().changes);
    }
  }
  const graph = await readGraph(view);
  graph.add(edge);
  const draft = new IndexDraft(view);
  await project(draft, graph, await chosenConventions(view, options));
  return await writeDraft(layout, draft, view, graph);
}

async function chosenConventions(view: LayoutView, { conventions }: AttachOptions): Promise<Convention[]> {
  return conventions === undefined ? await writingConventions(view) : conventionsOf(conventions);
}

async function project(draft: IndexDraft, graph: ReferrerGraph, conventions: readonly Convention[]): Promise<void> {
  const refusals = await projectAll(draft, graph, conventions);
  if (refusals.length === 0) return;
  throw new OcilotError(
    "CONVERSION_REFUSED",
    `not attached: ${refusals[0]}`,
    { to: conventions.map((c) => c.id).join(","), reasons: refusals },
    {
      hint: "index.json is unchanged. Mend the cause, or choose another way to record it with --convention.",
    },
  );
}

/** Readers compare media type, digest and size of a subject, so all three must be those of what is there. */
async function checkSubject(layout: Layout, bytes: Uint8Array, d: Descriptor, subject: Digest): Promise<void> {
  const named = parseManifest(bytes, d.mediaType, d.digest).subject;
  if (named === undefined) throw notReferrer(d.digest, "it has no subject");
  if (named.digest !== subject) throw notReferrer(d.digest, `its subject is ${named.digest}, not ${subject}`);
  const size = await layout.blobs.size(subject);
  if (size === undefined) return;
  const { mediaType } = await layout.resolve(`@${subject}`);
  if (named.size !== size) throw notReferrer(d.digest, `it gives its subject ${named.size} bytes, which has ${size}`);
  if (named.mediaType !== mediaType) throw notReferrer(d.digest, `it calls its subject ${named.mediaType}, which is ${mediaType}`);
}

function notReferrer(digest: Digest, why: string): OcilotError<"WRITE_REFUSED"> {
  return new OcilotError(
    "WRITE_REFUSED",
    `${digest} is not attached: ${why}`,
    { reason: "not-a-referrer" },
    { hint: "Give a manifest whose subject is the one that it is attached to." },
  );
}

/** RFC 6838: what a registry would refuse is refused here, before anything is written. */
function checkMediaType(mediaType: string): void {
  if (/^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}$/.test(mediaType)) return;
  throw new OcilotError(
    "USAGE",
    `${JSON.stringify(mediaType)} is not a media type`,
    { argument: mediaType },
    { hint: "A media type looks like application/spdx+json." },
  );
}
