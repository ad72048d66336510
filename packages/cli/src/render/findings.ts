import type { Finding } from "@ocilot/referrers";
import { printable } from "./printable.js";
import { count } from "./text.js";

/** Returns findings for people: what and where on the first line, then the message and the command that fixes it. */
export function renderFindings(findings: readonly Finding[]): string {
  const width = Math.max(0, ...findings.map((f) => f.severity.length));
  return findings
    .flatMap(({ severity, code, path, message, fix }) => [
      `${severity.padEnd(width)}  ${code}${path === "" ? "" : `  ${path}`}`,
      `${" ".repeat(width)}  ${message}`,
      ...(fix === undefined ? [] : [`${" ".repeat(width)}  fix: ${fix}`]),
    ])
    .map(printable)
    .join("\n");
}

/** Returns `2 errors, 1 warning`, or `nothing found`. */
export function countFindings(findings: readonly Finding[]): string {
  const of = (severity: Finding["severity"]): number => findings.filter((f) => f.severity === severity).length;
  const parts = [
    { n: of("error"), text: count(of("error"), "error") },
    { n: of("warning"), text: count(of("warning"), "warning") },
    { n: of("info"), text: count(of("info"), "note") },
  ];
  return parts.flatMap((p) => (p.n > 0 ? p.text : [])).join(", ") || "nothing found";
}
