import type { BundlePlan, RootFigures, UnbundleResult } from "@ocilot/referrers";
import { printable } from "../render/printable.js";
import { renderTable } from "../render/table.js";
import { count, formatSize } from "../render/text.js";

/** A slow disk, in bytes a second, for the estimate of a plan. */
export const SLOW_DISK: number = 100_000_000;

/** Returns the figures of a plan for people. `rate` is what a medium takes, in bytes a second. */
export function renderPlan({ content }: BundlePlan, figures: readonly RootFigures[], rate: number = SLOW_DISK): string {
  const rows = figures.map((f) => [printable(f.name ?? f.digest), formatSize(f.total), formatSize(f.shared), formatSize(f.present)]);
  const bytes = content.parts.reduce((sum, p) => sum + p.size, 0);
  const seconds = Math.ceil(bytes / rate);
  return [
    renderTable([["IMAGE", "SIZE", "SHARED", "AT DESTINATION"], ...rows], [1, 2, 3]),
    "",
    `${count(content.parts.length, "part")}, ${formatSize(bytes)}; ${count(content.absent.length, "blob")} left out; about ${seconds} s at an assumed ${formatSize(rate)}/s (--rate)`,
    ...(content.parts.length > 1 ? content.parts.map((p) => `${p.name}  ${p.size} B`) : []),
  ].join("\n");
}

/** Returns what was written, line by line: all of a bundle, or the part `only`. */
export function reportBundle(
  { staged, content, receipt }: BundlePlan,
  files: readonly string[],
  { only, signature }: { only: number | undefined; signature: string | undefined },
): string[] {
  const { parts } = content;
  const bytes = parts.reduce((sum, p) => sum + p.size, 0);
  const made =
    only === undefined
      ? `Bundled ${count(staged.images.length, "image")} in ${count(parts.length, "part")}, ${formatSize(bytes)}`
      : `Wrote part ${only} of ${parts.length}, ${formatSize(parts[only - 1]!.size)}`;
  return [
    `${made}; receipt ${receipt.digest}.`,
    ...(content.absent.length > 0
      ? [
          `${count(content.absent.length, "blob")} left out (${formatSize(content.absent.reduce((sum, b) => sum + b.size, 0))}): listed in receipt ${content.since.join(", ")}.`,
        ]
      : []),
    ...(parts.length > 1 ? files : []),
    ...(signature === undefined ? [] : [`Signature in ${signature}.`]),
  ];
}

/** Returns what became of bundles, line by line. `destinationOf` says where what has these names went. */
export function reportUnbundle(
  { sets, damaged, written }: UnbundleResult,
  destinationOf: (names: readonly string[]) => readonly string[],
): string[] {
  const lines: string[] = [];
  for (const { set, names, state, missingParts, missing, since, kept } of sets) {
    const what = names.length === 0 ? set : firstOf(names);
    const into = firstOf(destinationOf(names));
    if (state === "merged") lines.push(`${what}: complete in ${into}.`);
    else lines.push(`${what}: incomplete, not listed in ${into} yet.`);
    if (missingParts.length > 0) {
      lines.push(`  missing: ${missingParts.join(", ")}`);
      const [, number] = /\.part-0*(\d+)-of-/.exec(missingParts[0]!) ?? [];
      if (number !== undefined)
        lines.push(`  hint: Bring them in a later run; a lost one is made again with: ocilot bundle … --only-part ${number}`);
    }
    if (missing.length > 0) {
      lines.push(`  needs what earlier bundles brought: ${count(missing.length, "blob")} of receipt ${since.join(", ")}`);
      for (const b of missing.slice(0, 10)) lines.push(`    ${b.digest} (${b.size} bytes)`);
      if (missing.length > 10) lines.push(`    and ${missing.length - 10} more; --json lists them`);
    }
    for (const k of kept)
      lines.push(
        k.reason === "older"
          ? `  tag kept: ${k.tag} stays on ${k.current}; the bundle is older (--force-tags moves it)`
          : `  tag kept: ${k.tag} stays on ${k.current}; it was changed there (--force-tags moves it)`,
      );
  }
  for (const { message, hint } of damaged) lines.push(message, ...(hint === undefined ? [] : [`  hint: ${hint}`]));
  lines.push(`${formatSize(written)} written.`);
  return lines;
}

function firstOf(names: readonly string[]): string {
  return `${names.slice(0, 3).join(", ")}${names.length > 3 ? ` and ${names.length - 3} more` : ""}`;
}
