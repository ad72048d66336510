import { type Digest, IMAGE_INDEX, type JsonNode, type JsonObject, descriptorNode, descriptorText, goJson } from "@ocilot/layout/spec";
import { type Classification, type Referrer, type ReferrerEdge, responseDescriptor, responsePieces } from "@ocilot/referrers";
import type { ReferrerList } from "./referrers.js";

type Members = (readonly [string, JsonNode])[];
type Link = Pick<ReferrerEdge, "evidence" | "verified" | "unopened">;

const PIECE = 100;

/**
 * The answer of the Referrers API for these links, piece by piece, and behind it what the API has no place for: links without
 * a `subject` in `withoutSubject`, and what each referrer states in `statements`.
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
 */
export function* referrersJson(
  edges: readonly ReferrerEdge[],
  statements: ReadonlyMap<Digest, readonly Classification[]>,
): Iterable<string> {
  const answer = edges.filter((e) => e.link === "S");
  if (answer.some((e) => !e.verified)) yield* unverifiedPieces(answer);
  else {
    // The last piece closes the array and the object, and the object is not at its end yet.
    let last: string | undefined;
    for (const piece of responsePieces(answer, responseDescriptor)) {
      if (last !== undefined) yield last;
      last = piece;
    }
    yield last!.slice(0, -1);
  }
  const others = edges.filter((e) => e.link === "N");
  yield `,"withoutSubject":${goJson(others.map((e) => linkNode(responseDescriptor(e), e, [])))}`;
  yield* statementPieces(new Set(edges.map((e) => e.referrer.digest)), statements);
  yield "}";
}

/** The answer with a member behind those of the API for each manifest that was not opened or could not be. */
function* unverifiedPieces(edges: readonly ReferrerEdge[]): Iterable<string> {
  yield `{"schemaVersion":2,"mediaType":${goJson(IMAGE_INDEX)},"manifests":[`;
  yield* joined(edges, (edge) => {
    const text = descriptorText(responseDescriptor(edge));
    return edge.verified ? text : `${text.slice(0, -1)},${edge.unopened ? UNOPENED : UNREADABLE}`;
  });
  yield "]";
}

/** The texts of items with commas between them, many in one piece. */
function* joined<T>(items: Iterable<T>, textOf: (item: T) => string): Iterable<string> {
  let piece = "";
  let count = 0;
  for (const item of items) {
    piece += `${count > 0 ? "," : ""}${textOf(item)}`;
    if (++count % PIECE !== 0) continue;
    yield piece;
    piece = "";
  }
  yield piece;
}

/** The ends of lines, see {@link doubtsOf}: as text at once, for there may be very many. */
const UNOPENED = goJson({ members: doubtsOf({ verified: false, unopened: true }) }).slice(1);
const UNREADABLE = goJson({ members: doubtsOf({ verified: false }) }).slice(1);

/** Members that tell that a manifest was not opened, or could not be; none for any other. */
function doubtsOf({ verified, unopened }: Pick<Link, "verified" | "unopened">): Members {
  if (verified) return [];
  return unopened
    ? [["verified", false]]
    : [
        ["verified", false],
        ["problem", "missing or corrupt"],
      ];
}

/** The same with the referrers of each referrer inside its descriptor, and those of platforms in `platforms`. */
export function* nestedJson({ found, platforms, statements }: ReferrerList): Iterable<string> {
  const members: Members = [
    ["schemaVersion", 2],
    ["mediaType", IMAGE_INDEX],
    ["manifests", withSubject(found)],
    ["withoutSubject", withoutSubject(found)],
    ["platforms", platforms.map(platformNode)],
  ];
  yield goJson({ members }).slice(0, -1);
  const shown = new Set<Digest>();
  collect([...found, ...platforms.flatMap((p) => p.referrers)], shown);
  yield* statementPieces(shown, statements);
  yield "}";
}

function collect(list: readonly Referrer[], into: Set<Digest>): void {
  for (const r of list) {
    into.add(r.descriptor.digest);
    collect(r.referrers ?? [], into);
  }
}

function withSubject(list: readonly Referrer[]): JsonObject[] {
  return list
    .filter((r) => r.link === "S")
    .map((r) => ({ members: [...descriptorNode(r.descriptor).members, ...doubtsOf(r), ...below(r)] }));
}

function withoutSubject(list: readonly Referrer[]): JsonObject[] {
  return list.filter((r) => r.link === "N").map((r) => linkNode(r.descriptor, r, below(r)));
}

function below({ referrers = [] }: Referrer): Members {
  const others = withoutSubject(referrers);
  return [["referrers", withSubject(referrers)], ...(others.length > 0 ? [["withoutSubject", others] as const] : [])];
}

function platformNode(p: ReferrerList["platforms"][number]): JsonObject {
  const others = withoutSubject(p.referrers);
  return {
    members: [
      ["digest", p.digest],
      ...(p.platform === undefined ? [] : [["platform", p.platform] as const]),
      ["referrers", withSubject(p.referrers)],
      ...(others.length > 0 ? [["withoutSubject", others] as const] : []),
    ],
  };
}

/** A link that no registry would list: what it is, and which records make it. */
function linkNode(descriptor: Referrer["descriptor"], { evidence, verified }: Link, more: Members): JsonObject {
  const recordedBy = evidence.map(({ convention, position, within }) => ({
    members: [
      ["convention", convention] as const,
      ...(position === undefined ? [] : [["position", position] as const]),
      ...(within === undefined ? [] : [["within", within] as const]),
    ],
  }));
  return { members: [...descriptorNode(descriptor).members, ["recordedBy", recordedBy], ["verified", verified], ...more] };
}

function* statementPieces(digests: ReadonlySet<Digest>, statements: ReadonlyMap<Digest, readonly Classification[]>): Iterable<string> {
  yield `,"statements":{`;
  yield* joined(digests, (digest) => `"${digest}":[${(statements.get(digest) ?? []).map(statementText).join(",")}]`);
  yield "}";
}

/** As text at once: there may be very many. Kinds, wrappings, formats and digests hold nothing that JSON escapes. */
function statementText({ wrapping, kind, format, version, predicateType, layer }: Classification): string {
  let text = `{"kind":"${kind}","wrapping":"${wrapping}"`;
  if (format !== undefined) text += `,"format":"${format}"`;
  if (version !== undefined) text += `,"version":${goJson(version)}`;
  if (predicateType !== undefined) text += `,"predicateType":${goJson(predicateType)}`;
  if (layer !== undefined) text += `,"layer":"${layer.digest}"`;
  return `${text}}`;
}
