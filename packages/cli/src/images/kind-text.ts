import type { Classification, StatementKind } from "@ocilot/referrers";

const SHORT: Readonly<Record<StatementKind, string>> = {
  signature: "sig",
  sbom: "sbom",
  provenance: "prov",
  vex: "vex",
  "vulnerability-report": "vuln",
  attestation: "att",
  license: "lic",
  source: "src",
  other: "other",
};

/** How many statements there are of each kind; kinds without any are left out. */
export type KindCounts = Readonly<Partial<Record<StatementKind, number>>>;

/** Returns how many statements there are of each kind, in the order of the kinds. */
export function countKinds(statements: Iterable<Classification>): KindCounts {
  const counts: Partial<Record<StatementKind, number>> = {};
  const found = [...statements];
  for (const kind of Object.keys(SHORT) as StatementKind[]) {
    const count = found.reduce((sum, s) => sum + Number(s.kind === kind), 0);
    if (count > 0) counts[kind] = count;
  }
  return counts;
}

/** Returns counts as a cell of a table: `2 sig, 1 sbom`; `0` for nothing. */
export function kindCountsText(counts: KindCounts): string {
  const parts = Object.entries(counts).map(([kind, count]) => `${count} ${SHORT[kind as StatementKind]}`);
  return parts.join(", ") || "0";
}

/** Returns the kinds of one referrer: `sbom, provenance`; several of a kind as `signature (2)`. */
export function kindsText(statements: readonly Classification[]): string {
  return distinct(statements.map((s) => s.kind));
}

/** Returns the formats of one referrer, with the version where it is known; `-` for none. */
export function formatsText(statements: readonly Classification[]): string {
  return (
    distinct(
      statements.flatMap(({ format, version }) => (format === undefined ? [] : [version === undefined ? format : `${format} ${version}`])),
    ) || "-"
  );
}

function distinct(texts: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts].map(([text, count]) => (count > 1 ? `${text} (${count})` : text)).join(", ");
}
