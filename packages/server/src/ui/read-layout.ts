import type { Descriptor, Digest, IndexSnapshot, Layout } from "@ocilot/layout";
import {
  type LayoutView,
  type ReferrerEdge,
  type ReferrerGraph,
  type Statement,
  contentSize,
  dockerOnlyImages,
  documentName,
  edgeKey,
  formatPlatform,
  imagePlatforms,
  manifestOf,
  manifestProblem,
  openReferrers,
  openView,
  platformManifests,
  readGraph,
} from "@ocilot/referrers";
import type { EvidenceModel, ImageModel, LayoutModel, ManifestModel, StatementModel } from "./layout-model.js";
import { type TagsOf, visibleImages } from "./visible-images.js";

/** Referrers of one layout beyond this number are counted and not shown. */
const MAX_REFERRERS = 2000;
/** Texts of a document from outside, in characters. */
const MAX_NOTE = 500;
const CREATED = "org.opencontainers.image.created";

/** How a layout is read for the page. */
export interface ReadLayoutOptions {
  /** What it is called. */
  readonly name: string;
  /** The tags of one repository of the layout; all tags unless given. */
  readonly tagsOf?: TagsOf | undefined;
  /** The layout holds no other repository (default: true without `tagsOf`). */
  readonly isWhole?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** What a layout holds, opened for the page. */
export interface OpenedLayout {
  readonly snapshot: IndexSnapshot;
  readonly view: LayoutView;
  readonly graph: ReferrerGraph;
  readonly model: LayoutModel;
  /** By `edgeKey`. */
  readonly statements: ReadonlyMap<string, readonly Statement[]>;
}

/**
 * Reads a layout as the page shows it: images, platforms and the evidence of each. Writes nothing.
 * @throws OcilotError what reading `index.json` throws
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { readLayout } from "@ocilot/server";
 *
 * const layout = await Layout.open("./layout");
 * const { model } = await readLayout(layout, { name: "app" });
 * console.log(model.name);
 * ```
 */
export async function readLayout(layout: Layout, options: ReadLayoutOptions): Promise<OpenedLayout> {
  const { name, tagsOf, isWhole = tagsOf === undefined, signal } = options;
  const snapshot = await layout.index.read();
  const view = await openView(layout, { snapshot, ...(signal && { signal }) });
  const graph = await readGraph(view);
  const found = await visibleImages(view, graph, tagsOf);
  const images: {
    readonly image: (typeof found)[number];
    readonly platforms: ReadonlyMap<Digest, string>;
    readonly children: Descriptor[];
  }[] = [];
  for (const image of found) {
    const { images: listed } = await imagePlatforms(layout, view, image.descriptor);
    const platforms = new Map(listed.map((p) => [p.descriptor.digest, formatPlatform(p.platform)]));
    images.push({ image, platforms, children: await platformManifests(view, graph, image.descriptor) });
  }
  const shown = chooseEdges(
    graph,
    images.flatMap(({ image, children }) => [image.descriptor, ...children].map((d) => d.digest)),
  );
  const statements = await openReferrers(view, shown.edges, layout.blobs, { signal });
  const included = new Set(shown.edges.map(edgeKey));

  const model: ImageModel[] = [];
  const configs = new Set<Digest>();
  for (const { image, platforms, children } of images) {
    const { descriptor, tags } = image;
    const manifest = manifestOf((await view.nodes([descriptor]))[0]);
    const artifactType = manifest?.artifactType ?? descriptor.artifactType;
    for (const node of await view.nodes([descriptor, ...children])) {
      const config = manifestOf(node)?.config;
      if (config !== undefined) configs.add(config.digest);
    }
    const rows: ManifestModel[] = [];
    for (const child of children) rows.push(await manifestModel(child, platforms.get(child.digest)));
    model.push({
      ...(await manifestModel(descriptor, platforms.get(descriptor.digest))),
      tags,
      ...(artifactType !== undefined && { artifactType }),
      platforms: rows,
    });
  }
  // Of a repository among others in one layout, Docker's files do not say which images are its own.
  for (const { names, ...image } of isWhole ? await dockerOnlyImages(layout, configs) : []) {
    model.push({ ...image, tags: names, evidence: [], platforms: [] });
  }
  return { snapshot, view, graph, statements, model: { name, images: model, leftOut: shown.leftOut } };

  async function manifestModel(d: Descriptor, platform: string | undefined): Promise<ManifestModel> {
    const problem = await manifestProblem(view, d);
    return {
      digest: d.digest,
      mediaType: d.mediaType,
      ...(platform !== undefined && { platform }),
      size: await contentSize(view, d),
      ...(problem !== undefined && { problem }),
      evidence: evidenceOf(d.digest, platform, new Set([d.digest])),
    };
  }

  /** Each referrer is opened out once below a manifest: records may claim circles, and ways that multiply. */
  function evidenceOf(subject: Digest, platform: string | undefined, seen: Set<Digest>): EvidenceModel[] {
    return graph
      .of(subject)
      .filter((edge) => included.has(edgeKey(edge)))
      .map((edge) => {
        const isFirst = !seen.has(edge.referrer.digest);
        seen.add(edge.referrer.digest);
        return evidenceModel(edge, statements.get(edgeKey(edge)) ?? [], {
          platform,
          referrers: isFirst && seen.size < MAX_REFERRERS ? evidenceOf(edge.referrer.digest, platform, seen) : [],
        });
      });
  }
}

/** The links below these manifests, level by level, so that what is left out is the furthest away. */
function chooseEdges(
  graph: ReferrerGraph,
  subjects: readonly Digest[],
): { readonly edges: readonly ReferrerEdge[]; readonly leftOut: number } {
  const edges = new Map<string, ReferrerEdge>();
  const seen = new Set<Digest>(subjects);
  for (let level: readonly Digest[] = [...seen]; level.length > 0;) {
    const next: Digest[] = [];
    for (const edge of level.flatMap((digest) => graph.of(digest))) {
      edges.set(edgeKey(edge), edge);
      if (!seen.has(edge.referrer.digest)) next.push(edge.referrer.digest);
      seen.add(edge.referrer.digest);
    }
    level = next;
  }
  return { edges: [...edges.values()].slice(0, MAX_REFERRERS), leftOut: Math.max(0, edges.size - MAX_REFERRERS) };
}

function evidenceModel(
  edge: ReferrerEdge,
  statements: readonly Statement[],
  { platform, referrers }: { readonly platform: string | undefined; readonly referrers: readonly EvidenceModel[] },
): EvidenceModel {
  const created = edge.annotations[CREATED];
  return {
    subject: edge.subject,
    digest: edge.referrer.digest,
    mediaType: edge.referrer.mediaType,
    ...(edge.artifactType !== undefined && { artifactType: edge.artifactType }),
    size: edge.referrer.size,
    ...(created !== undefined && { created: created.slice(0, MAX_NOTE) }),
    conventions: [...new Set(edge.evidence.map((e) => e.origin ?? e.convention))],
    hasSubject: edge.link === "S",
    readable: edge.verified,
    statements: statements.map((s) => statementModel(s, platform)),
    referrers,
  };
}

function statementModel(statement: Statement, platform: string | undefined): StatementModel {
  const { kind, format, version, predicateType, signer, layer, notes } = statement;
  const { certificate, time } = signer ?? {};
  const issuer = certificate?.oidcIssuer ?? certificate?.issuer;
  return {
    kind,
    ...(format !== undefined && { format }),
    ...(version !== undefined && { version }),
    ...(predicateType !== undefined && { predicateType }),
    ...(signer !== undefined && {
      signer: {
        identities: certificate?.identities.length ? certificate.identities : [certificate?.subject ?? signer.keyHint ?? []].flat(),
        ...(issuer !== undefined && { issuer }),
        ...(time !== undefined && { time }),
      },
    }),
    ...(layer !== undefined && {
      blob: { digest: layer.digest, mediaType: layer.mediaType, size: layer.size },
      document: documentName(statement, { platform, raw: kind === "signature" }),
    }),
    notes: notes.map((n) => n.message.slice(0, MAX_NOTE)),
  };
}
