import type { DigestChange, Plan, Step } from "@ocilot/referrers";
import { printable } from "./printable.js";
import { count } from "./text.js";

const MAX_LINES = 10;

/** Returns what a plan does, or would do, in a few exact lines. */
export function summarize(plan: Plan, isDone: boolean): string[] {
  const head = `${plan.to}${plan.only ? " only" : ""}: ${count(plan.referrers, "referrer")}`;
  const { refusals, losses, kept } = plan;
  const changes =
    plan.steps.length === 0
      ? [`${head}; nothing to do`]
      : [`${head}; ${isDone ? "converted" : "changes needed (dry run)"}`, ...counts(plan)];
  return [
    ...(refusals.length > 0 ? [`${head}; refused`] : changes),
    ...section("refused because", refusals),
    ...plan.digestChanges.flatMap((c) => changeLines(c, isDone)),
    ...section("kept, not redundant", kept),
    ...section("note", plan.notes),
    ...section(
      "not converted: the target cannot represent it (existing record kept)",
      losses.map((l) => l.message),
    ),
  ];
}

/** Returns the image indexes that a plan replaces, one by one, with the referrers that do not cover the new one. */
function changeLines({ from, to, tags, uncovered }: DigestChange, isDone: boolean): string[] {
  return [
    `  ${tags.join(", ")}: ${isDone ? "moved" : "would move"} to a new image index`,
    `    old  ${from} (kept, untagged)`,
    `    new  ${to}`,
    ...uncovered.map((digest) => `    ${digest} refers to the old index and does not cover the new one`),
  ];
}

function counts({ steps: all, digestChanges }: Plan): string[] {
  const rewritten = new Set<string>(digestChanges.map((c) => c.to));
  const steps = all.filter(
    (s) => !((s.op === "put" && rewritten.has(s.descriptor.digest)) || (s.op === "retarget" && rewritten.has(s.digest))),
  );
  const of = (op: Step["op"]): number => steps.filter((s) => s.op === op).length;
  const lines = [
    { n: of("insert"), text: `added: ${count(of("insert"), "entry", "entries")}` },
    { n: of("put"), text: `written: ${count(of("put"), "list")}` },
    { n: of("retarget"), text: `updated: ${count(of("retarget"), "list")}` },
    { n: of("annotate"), text: `annotated: ${count(of("annotate"), "entry", "entries")}` },
    { n: of("annotate-index"), text: `annotated: index.json (${flagsOf(steps)})` },
    { n: of("remove"), text: `removed: ${count(of("remove"), "entry", "entries")}` },
  ];
  return lines.filter((l) => l.n > 0).map((l) => `  ${l.text}`);
}

function flagsOf(steps: readonly Step[]): string {
  return steps.flatMap((s) => (s.op === "annotate-index" ? changesOf(s) : [])).join(", ");
}

function section(title: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return [];
  const shown = lines.slice(0, MAX_LINES).map((line) => `    ${line}`);
  const rest = lines.length - shown.length;
  return [`  ${title}:`, ...shown, ...(rest > 0 ? [`    and ${rest} more (--json shows them all)`] : [])];
}

/** Each step on a line of its own. */
export function renderSteps({ steps, digestChanges }: Plan): string {
  const rewritten = new Set<string>(digestChanges.map((c) => c.to));
  return steps.map((step) => printable(`  ${stepText(step, rewritten)}`)).join("\n");
}

function stepText(step: Step, rewritten: ReadonlySet<string>): string {
  switch (step.op) {
    case "put":
      return `write the ${rewritten.has(step.descriptor.digest) ? "image index" : "list"} ${step.descriptor.digest}`;
    case "insert": {
      const { digest, artifactType, annotations } = step.descriptor;
      const notes = Object.entries(annotations ?? {}).map(([key, value]) => `${key}=${value}`);
      return ["add", digest, ...(artifactType ? [artifactType] : []), ...notes].join(" ");
    }
    case "remove":
      return `remove entry ${step.position}`;
    case "retarget":
      return `point entry ${step.position} to the ${rewritten.has(step.digest) ? "image index" : "list"} ${step.digest}`;
    case "annotate":
      return `annotate entry ${step.position}: ${changesOf(step).join(", ")}`;
    case "annotate-index":
      return `annotate index.json: ${changesOf(step).join(", ")}`;
  }
}

function changesOf(step: { set?: Readonly<Record<string, string>>; unset?: readonly string[] }): string[] {
  return [...Object.entries(step.set ?? {}).map(([key, value]) => `${key}=${value}`), ...(step.unset ?? []).map((key) => `without ${key}`)];
}
