import { type Digest, type Layout, OcilotError, type Reference } from "@ocilot/layout";
import {
  type ReferrerEdge,
  type ReferrerGraph,
  type Statement,
  type StatementFilter,
  edgeKey,
  matchesStatement,
  openReferrers,
  openView,
  readGraph,
} from "@ocilot/referrers";
import { type NamedPlatform, namedPlatforms } from "../images/named-platforms.js";
import { findSubject } from "../reference/find-subject.js";
import { commandLine } from "../render/shell-quote.js";

/** A statement of a referrer, and what it is attached to. */
export interface FoundStatement {
  readonly statement: Statement;
  readonly subject: Digest;
  readonly referrer: Digest;
  /** Where the subject is a platform of an image index. */
  readonly platform?: string | undefined;
}

/** Which statements are wanted. */
export interface StatementSearch {
  readonly reference: Reference;
  readonly filter: StatementFilter;
  readonly hasType: (artifactType: string | undefined) => boolean;
  /** What is looked for, in words. */
  readonly what: string;
  readonly platform: string | undefined;
  readonly allPlatforms: boolean;
  readonly all: boolean;
  readonly scan: boolean;
  readonly signal: AbortSignal;
}

/**
 * Returns the statements that are wanted: those on the image itself; where it has none, those of its only platform; with
 * `platform` those of that platform, else those on the image; with `allPlatforms` those of each. One, unless `all`.
 * @throws OcilotError `REF_NOT_FOUND`, `REF_AMBIGUOUS`
 */
export async function findStatements(layout: Layout, search: StatementSearch): Promise<FoundStatement[]> {
  const { reference, signal } = search;
  const snapshot = await layout.index.read();
  const view = await openView(layout, { snapshot, scan: search.scan, signal });
  const graph = await readGraph(view);
  const { subject: root } = await findSubject(layout, { snapshot, reference, signal }, async () => graph);
  const chosen =
    search.platform === undefined
      ? root
      : (await findSubject(layout, { snapshot, reference, platform: search.platform, signal }, async () => graph)).subject;
  const platforms = "mediaType" in root ? await namedPlatforms(layout, view, graph, root) : [];
  const isPlatform = chosen.digest !== root.digest;
  const nameOf = (digest: Digest): string | undefined => platforms.find((p) => p.digest === digest)?.platform;

  const of = async (digest: Digest, platform: string | undefined): Promise<FoundStatement[]> => {
    const edges = graph.of(digest).filter((e) => search.hasType(e.artifactType));
    const opened = await openReferrers(view, edges, layout.blobs, { signal });
    return edges.flatMap((edge) => wanted(edge, opened.get(edgeKey(edge)) ?? [], platform));
  };
  const wanted = ({ subject, referrer }: ReferrerEdge, statements: readonly Statement[], platform: string | undefined): FoundStatement[] =>
    statements
      .filter((s) => matchesStatement(s, search.filter))
      .map((statement) => ({ statement, subject, referrer: referrer.digest, platform }));

  if (search.allPlatforms) {
    const found = await of(root.digest, nameOf(root.digest));
    for (const p of platforms) if (p.digest !== root.digest) found.push(...(await of(p.digest, p.platform)));
    if (found.length === 0) throw notFound(search, root.digest, await kindsOf([root.digest, ...platforms.map((p) => p.digest)]), platforms);
    return found;
  }
  let found = await of(chosen.digest, isPlatform ? nameOf(chosen.digest) : undefined);
  if (found.length === 0 && isPlatform) found = await of(root.digest, undefined);
  if (found.length === 0 && !isPlatform) found = await ofOnlyPlatform();
  if (found.length === 0) throw notFound(search, chosen.digest, await kindsOf([chosen.digest]), platforms);
  if (found.length > 1 && !search.all) throw ambiguous(search, chosen.digest, found);
  return found;

  async function ofOnlyPlatform(): Promise<FoundStatement[]> {
    const each: FoundStatement[][] = [];
    for (const p of platforms) each.push(await of(p.digest, p.platform));
    const having = each.filter((list) => list.length > 0);
    if (having.length > 1) throw severalPlatforms(search, root.digest, having.flat());
    return having[0] ?? [];
  }

  async function kindsOf(digests: readonly Digest[]): Promise<string[]> {
    const edges = digests.flatMap((digest) => graph.of(digest));
    const opened = await openReferrers(view, edges, layout.blobs, { signal });
    return [...new Set([...opened.values()].flat().map((s) => s.kind))];
  }
}

/** Returns the statements of one referrer, opened. */
export async function statementsAt(
  layout: Layout,
  { reference, signal }: Pick<StatementSearch, "reference" | "signal">,
  referrer: Digest,
): Promise<FoundStatement[]> {
  const view = await openView(layout, { signal });
  const graph: ReferrerGraph = await readGraph(view);
  const edges = graph.edges().filter((e) => e.referrer.digest === referrer);
  const opened = await openReferrers(view, edges.slice(0, 1), layout.blobs, { signal });
  const found = [...opened.values()].flat();
  if (found.length > 0) return found.map((statement) => ({ statement, subject: edges[0]!.subject, referrer }));
  throw new OcilotError("REF_NOT_FOUND", `${referrer} refers to nothing, so it holds no statement`, { reference: reference.text });
}

function notFound(search: StatementSearch, digest: Digest, kinds: readonly string[], platforms: readonly NamedPlatform[]): OcilotError {
  const { reference, what } = search;
  const has = kinds.length === 0 ? "it has no referrers" : `it has: ${kinds.join(", ")}`;
  const below =
    platforms.length > 1 ? `; list those of its platforms: ${commandLine("ocilot", "referrers", reference.text, "--recursive")}` : "";
  return new OcilotError("REF_NOT_FOUND", `${digest} has no ${what}`, { reference: reference.text }, { hint: has + below });
}

function ambiguous({ reference, what }: StatementSearch, digest: Digest, found: readonly FoundStatement[]): OcilotError {
  const candidates = found.map((f) => `@${f.referrer}`);
  const formats = [...new Set(found.map((f) => f.statement.format ?? "unknown format"))];
  const hint =
    formats.length > 1 ? `Choose with --format, or take them all with --all: ${formats.join(", ")}` : "Take them all with --all.";
  return new OcilotError("REF_AMBIGUOUS", `${digest} has ${found.length} of: ${what}`, { reference: reference.text, candidates }, { hint });
}

function severalPlatforms({ reference, what }: StatementSearch, digest: Digest, found: readonly FoundStatement[]): OcilotError {
  const names = [...new Set(found.map((f) => f.platform ?? f.subject))];
  return new OcilotError(
    "REF_AMBIGUOUS",
    `${digest} has no ${what} of its own, and several of its platforms have one: ${names.join(", ")}`,
    { reference: reference.text, candidates: names },
    { hint: "Choose one with --platform, or take each with --all-platforms." },
  );
}
