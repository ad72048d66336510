import type { Digest } from "@ocilot/layout/spec";
import { FINDINGS, type FindingCode, type Severity } from "./finding-codes.js";
import { fillIn } from "./fill-in.js";
import { type PathStep, pathText } from "./reference-path.js";

/** One result of a verification. */
export interface Finding {
  readonly code: FindingCode;
  /** As in {@link FINDINGS}; `strict` and `requireComplete` raise some. */
  readonly severity: Severity;
  /** The path from `index.json`: `v1 → linux/amd64 → layer 3`. */
  readonly path: string;
  readonly steps: readonly PathStep[];
  readonly digest?: Digest;
  /** The position of the entry of `index.json` that it is about, or that leads to it. */
  readonly position?: number;
  readonly message: string;
  /** The command that fixes it; absent where there is none. */
  readonly fix?: string;
}

/** The parts of a finding; the rest follows from its code. */
export interface FindingParts {
  readonly steps?: readonly PathStep[] | undefined;
  readonly digest?: Digest | undefined;
  readonly position?: number | undefined;
  readonly message: string;
  /** Replaces the fix of the code; empty for none. */
  readonly fix?: string | undefined;
}

/** Returns a finding with the severity and the fix of its code. */
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

/** Fills names of the layout into the fixes, quoted for a shell, and raises warnings with `strict`. */
export function finish(findings: readonly Finding[], location: string, strict: boolean): Finding[] {
  return findings.map((f) => {
    const entry = f.steps.find((s) => s.kind === "entry");
    const file = f.steps.find((s) => s.kind === "file")?.file;
    const tag = entry?.tag ?? f.steps.find((s) => s.kind === "tag")?.tag;
    const values = { LAYOUT: location, DIGEST: f.digest, TAG: tag, FILE: file };
    return {
      ...f,
      severity: strict && f.severity === "warning" ? "error" : f.severity,
      ...(f.fix !== undefined && { fix: fillIn(f.fix, values) }),
    };
  });
}

const SEVERITIES: readonly Severity[] = ["error", "warning", "info"];

/** Returns errors first; within a severity in the order of finding. */
export function bySeverity(findings: readonly Finding[]): Finding[] {
  return findings.toSorted((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity));
}
