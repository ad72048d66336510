import type { Digest } from "@ocilot/layout/spec";
import type { Statement } from "../evidence/statement.js";
import { type ReferrerEdge, edgeKey } from "../graph/edge.js";
import { matchesGlob } from "../graph/glob.js";
import { type Finding, finding } from "../verify/finding.js";
import type { Image, Subject } from "../verify/images.js";
import type { VerifyEvidence } from "../verify/evidence.js";
import type { Requirement } from "./policy.js";

/** Returns a finding for each manifest in the scope of a requirement that does not meet it. */
export function unmetRequirement({ graph, statements }: VerifyEvidence, image: Image, rule: Requirement): Finding[] {
  return inScope(image, rule).flatMap(({ subject, counted }) => {
    const there = counted.flatMap((digest) => graph.of(digest)).filter((e) => e.verified);
    const found = there.reduce((sum, edge) => sum + meets(edge, rule, statements.get(edgeKey(edge)) ?? []), 0);
    if (found >= rule.min) return [];
    const platform = subject.platform === undefined ? "" : ` (${subject.platform})`;
    const message = `${subject.digest}${platform} lacks ${ruleText(rule)}; ${whatIsThere(there, rule, statements)}`;
    return [finding("REQUIREMENT_REFERRER", { steps: subject.steps, digest: subject.digest, message })];
  });
}

/** The manifests that are asked, each with the manifests whose referrers count for it. */
function inScope(image: Image, { scope }: Requirement): { subject: Subject; counted: readonly Digest[] }[] {
  if (scope === "any") return image.platforms.map((subject) => ({ subject, counted: [...new Set([subject.digest, image.digest])] }));
  const subjects: Subject[] = scope === "platform" ? [] : [image];
  if (scope !== "image") subjects.push(...image.platforms.filter((p) => !subjects.some((s) => s.digest === p.digest)));
  return subjects.map((subject) => ({ subject, counted: [subject.digest] }));
}

/** How much a referrer counts: once, or once for each statement of the kind. */
function meets(edge: ReferrerEdge, rule: Requirement, statements: readonly Statement[]): number {
  const { artifactType, annotations } = rule;
  const hasType = artifactType === undefined || matchesGlob(edge.artifactType ?? "", artifactType);
  const hasAnnotations = Object.entries(annotations).every(
    ([key, value]) => Object.hasOwn(edge.annotations, key) && edge.annotations[key] === value,
  );
  if (!hasType || !hasAnnotations) return 0;
  if (!isAboutStatements(rule)) return 1;
  return statements.filter((s) => isUsable(s) && states(s, rule)).length;
}

function isAboutStatements({ kind, format, predicateType }: Requirement): boolean {
  return kind !== undefined || format !== undefined || predicateType !== undefined;
}

function states(statement: Statement, { kind, format, predicateType }: Requirement): boolean {
  return (
    (kind === undefined || statement.kind === kind) &&
    (format === undefined || statement.format === format) &&
    (predicateType === undefined || matchesGlob(statement.predicateType ?? "", predicateType))
  );
}

/** A statement about something else, or that cannot be read, meets no requirement. */
function isUsable({ notes }: Statement): boolean {
  return !notes.some((n) => n.code === "SUBJECT_DIFFERS" || n.code === "MALFORMED" || n.code === "UNREADABLE");
}

function ruleText(rule: Requirement): string {
  const { artifactType, kind, format, predicateType, annotations, min } = rule;
  const noun = kind ?? (isAboutStatements(rule) ? "statement" : "referrer");
  const article = /^[aeiou]/.test(noun) || noun === "sbom" ? "an" : "a";
  const shown = noun === "sbom" ? "SBOM" : noun === "vex" ? "VEX document" : noun;
  const what = min > 1 ? `${min} ${shown === "VEX document" ? "VEX documents" : `${shown}s`}` : `${article} ${shown}`;
  const details = [
    ...(artifactType === undefined ? [] : [`of type ${artifactType}`]),
    ...(format === undefined ? [] : [`in the format ${format}`]),
    ...(predicateType === undefined ? [] : [`with the predicate type ${predicateType}`]),
    ...Object.entries(annotations).map(([key, value], i) => `${i === 0 ? "with" : "and"} ${key}=${value}`),
  ];
  return [what, ...details].join(" ");
}

function whatIsThere(there: readonly ReferrerEdge[], rule: Requirement, statements: ReadonlyMap<string, readonly Statement[]>): string {
  if (there.length === 0) return "it has no referrer";
  if (!isAboutStatements(rule)) return `its referrers are of type ${[...new Set(there.map((e) => e.artifactType ?? "none"))].join(", ")}`;
  const all = there.flatMap((edge) => statements.get(edgeKey(edge)) ?? []);
  const right = all.filter((s) => states(s, rule));
  const unusable = right.find((s) => !isUsable(s));
  if (unusable !== undefined) return `one that is present does not count: ${unusable.notes[0]!.message}`;
  const kinds = [...new Set(all.map((s) => (rule.kind === s.kind ? (s.predicateType ?? s.format ?? s.kind) : s.kind)))];
  return `it has: ${kinds.join(", ")}`;
}
