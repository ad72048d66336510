import type { Severity } from "@ocilot/referrers";

/** What a check can find, as the reference pages list it. */
export interface Rule {
  readonly id: string;
  readonly severity: Severity;
  /** One sentence. */
  readonly meaning: string;
  /** What fixes it, with placeholders; empty where there is nothing to fix. */
  readonly fix: string;
  /** The page that explains it, without its suffix. */
  readonly page: "findings" | "doctor" | "registries";
}

/** One thing that was found. */
export interface Issue {
  readonly rule: string;
  readonly severity: Severity;
  readonly message: string;
  /** The file of the layout that it is about, relative to the layout: `index.json`, `blobs/sha256/…`. */
  readonly file: string;
  /** The path to it from `index.json`, for people: `v1 → linux/amd64 → layer 3`. */
  readonly path?: string;
  readonly digest?: string;
  /** The command that fixes it. */
  readonly fix?: string;
}

/** A question that was answered as a whole, such as whether a tool finds every referrer. */
export interface Check {
  readonly name: string;
  readonly outcome: "passed" | "failed" | "skipped";
  /** Why it failed or was skipped. */
  readonly message?: string;
}

/** What `verify` or `doctor` found, in a form that every report format is made from. */
export interface Report {
  readonly command: "verify" | "doctor";
  /** What was checked, as it was given on the command line. */
  readonly target: string;
  /** Whether the target has files of its own, is one file, or is no file at all. */
  readonly kind: "directory" | "archive" | "registry";
  readonly version: string;
  /** Everything that was looked for. */
  readonly rules: readonly Rule[];
  readonly issues: readonly Issue[];
  readonly checks: readonly Check[];
}

/** Returns where a blob is in a layout. A digest that is not one leads to `index.json`, which names it. */
export function fileOf(digest: string | undefined): string {
  const match = /^([a-z0-9]+):([0-9a-zA-Z]+)$/.exec(digest ?? "");
  return match === null ? "index.json" : `blobs/${match[1]}/${match[2]}`;
}
