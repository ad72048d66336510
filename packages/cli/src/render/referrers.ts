import type { Digest } from "@ocilot/layout";
import type { Classification, Referrer } from "@ocilot/referrers";
import type { FieldTable } from "./fields.js";
import { formatsText, kindsText } from "../images/kind-text.js";
import { renderTable } from "./table.js";
import { formatSize } from "./text.js";
import { type TreeNode, renderTree } from "./tree.js";

/** A platform of an image index, and what refers to it. */
export interface PlatformReferrers {
  readonly digest: Digest;
  readonly platform: string | undefined;
  readonly referrers: readonly Referrer[];
}

/** What refers to a subject, as `referrers` prints it. */
export interface ReferrerList {
  readonly subject: Digest;
  readonly isPresent: boolean;
  readonly found: readonly Referrer[];
  readonly platforms: readonly PlatformReferrers[];
  /** What each referrer states. */
  readonly statements: ReadonlyMap<Digest, readonly Classification[]>;
  /** What is printed where nothing was found. */
  readonly nothing: string;
}

/** A referrer in a flat list. */
export interface ReferrerRow {
  readonly referrer: Referrer;
  /** 1 for a referrer of the subject or of a platform, 2 for a referrer of that, and so on. */
  readonly depth: number;
  readonly platform: string | undefined;
  readonly statements: readonly Classification[];
}

/** What `referrers --fields` can print of each referrer. */
export const REFERRER_FIELDS: FieldTable<ReferrerRow> = {
  digest: ({ referrer }) => referrer.descriptor.digest,
  kind: ({ statements }) => statements.map((s) => s.kind).join(","),
  format: ({ statements }) => statements.map((s) => s.format ?? "").join(","),
  predicate: ({ statements }) => statements.flatMap((s) => s.predicateType ?? []).join(","),
  type: ({ referrer }) => referrer.descriptor.artifactType,
  size: ({ referrer }) => referrer.descriptor.size,
  subject: ({ referrer }) => referrer.subject,
  platform: ({ platform }) => platform,
  conventions: ({ referrer }) => conventionsOf(referrer).join(","),
  created: ({ referrer }) => referrer.descriptor.annotations?.["org.opencontainers.image.created"],
  depth: ({ depth }) => depth,
};

/** Returns all referrers of a list, those of referrers after the one that they refer to. */
export function referrerRows({ found, platforms, statements }: ReferrerList): ReferrerRow[] {
  return [...rowsOf(found, 1, undefined), ...platforms.flatMap((p) => rowsOf(p.referrers, 1, p.platform))];

  function rowsOf(list: readonly Referrer[], depth: number, platform: string | undefined): ReferrerRow[] {
    return list.flatMap((referrer) => [
      { referrer, depth, platform, statements: statements.get(referrer.descriptor.digest) ?? [] },
      ...rowsOf(referrer.referrers ?? [], depth + 1, platform),
    ]);
  }
}

/** Returns a list of referrers as a table. */
export function referrerTable(list: ReferrerList, heading: (text: string) => string): string {
  const rows = referrerRows(list);
  if (rows.length === 0) return list.nothing;
  const cells = rows.map((row) => [
    kindsText(row.statements),
    formatsText(row.statements),
    typeOf(row.referrer),
    row.platform ?? "",
    formatSize(row.referrer.descriptor.size),
    row.referrer.descriptor.digest,
    conventionsOf(row.referrer).join(", "),
    remarksOf(row.referrer).join("; "),
  ]);
  const [first, ...rest] = renderTable([["KIND", "FORMAT", "TYPE", "PLATFORM", "SIZE", "DIGEST", "CONVENTIONS", ""], ...cells], [4]).split(
    "\n",
  );
  return [heading(first!), ...rest].join("\n");
}

/** Returns a list of referrers as a tree with columns. */
export function referrerTree({ subject, isPresent, found, platforms, statements, nothing }: ReferrerList): string {
  const children = [
    ...found.map(nodeOf),
    ...platforms.map((p) => ({ label: p.digest, cells: [p.platform ?? "platform unknown"], children: p.referrers.map(nodeOf) })),
  ];
  const isEmpty = children.length === 0;
  return renderTree({
    label: `${subject}${isPresent ? "" : "  (missing)"}`,
    ...(!isEmpty && { cells: ["KIND", "FORMAT", "TYPE", "CONVENTIONS"] }),
    children: isEmpty ? [{ label: nothing, children: [] }] : children,
  });

  function nodeOf(r: Referrer): TreeNode {
    const remarks = remarksOf(r);
    const states = statements.get(r.descriptor.digest) ?? [];
    const cells = [kindsText(states), formatsText(states), typeOf(r), conventionsOf(r).join(", ")];
    if (remarks.length > 0) cells.push(`(${remarks.join("; ")})`);
    return { label: r.descriptor.digest, cells, children: (r.referrers ?? []).map(nodeOf) };
  }
}

function typeOf({ descriptor }: Referrer): string {
  return descriptor.artifactType || "(no artifact type)";
}

function conventionsOf({ evidence }: Referrer): string[] {
  return [...new Set(evidence.map((e) => e.origin ?? e.convention))];
}

function remarksOf(r: Referrer): string[] {
  return [
    ...(r.link === "N" ? ["no subject field"] : []),
    ...(r.legacy ? ["legacy manifest type"] : []),
    ...(r.verified ? [] : [r.unopened ? "not opened" : "missing or corrupt"]),
  ];
}
