import type { Digest } from "@ocilot/layout/spec";
import { FINDINGS, type FindingCode, type Severity } from "./codes.js";
import { type PathStep, pathText } from "./path.js";

/** One thing that a verification has to say. */
export interface Finding {
  readonly code: FindingCode;
  /** As in {@link FINDINGS}, or `"error"` in place of a warning where `strict` was asked for. */
  readonly severity: Severity;
  /** How one gets there from `index.json`: `v1 → linux/amd64 → layer 3`. */
  readonly path: string;
  readonly steps: readonly PathStep[];
  readonly digest?: Digest;
  /** The entry of `index.json` that it is about, or that leads to it. */
  readonly position?: number;
  readonly message: string;
  /** The command that mends it; absent where there is none. */
  readonly fix?: string;
}

/** What a finding is made of; the rest follows from its code. */
export interface FindingParts {
  readonly steps?: readonly PathStep[] | undefined;
  readonly digest?: Digest | undefined;
  readonly position?: number | undefined;
  readonly message: string;
  /** Instead of the fix of the code. */
  readonly fix?: string | undefined;
}

/** Makes a finding, with the weight and the fix of its code. */
export function finding(code: FindingCode, parts: FindingParts): Finding {
  const { severity, fix: usual } = FINDINGS[code];
  const steps = parts.steps ?? [];
  const entry = steps.find((s) => s.kind === "entry");
  const position = parts.position ?? entry?.position;
  const fix = parts.fix ?? usual;
  return {
    code,
    severity,
    path: pathText(steps),
    steps,
    ...(parts.digest !== undefined && { digest: parts.digest }),
    ...(position !== undefined && { position }),
    message: parts.message,
    ...(fix !== "" && { fix }),
  };
}

/** Puts the layout's own name into the fixes, quoted where a shell would need it, and raises warnings with `strict`. */
export function finish(findings: readonly Finding[], location: string, strict: boolean): Finding[] {
  const name = /^[A-Za-z0-9_./:@+-]+$/.test(location) ? location : `'${location.replaceAll("'", "'\\''")}'`;
  return findings.map((f) => ({
    ...f,
    severity: strict && f.severity === "warning" ? "error" : f.severity,
    ...(f.fix !== undefined && { fix: f.fix.replaceAll("LAYOUT", () => name) }),
  }));
}

const WEIGHTS: readonly Severity[] = ["error", "warning", "info"];

/** Errors first; within a weight as they were found. */
export function bySeverity(findings: readonly Finding[]): Finding[] {
  return findings.toSorted((a, b) => WEIGHTS.indexOf(a.severity) - WEIGHTS.indexOf(b.severity));
}
