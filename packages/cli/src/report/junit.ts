import { printable } from "../render/printable.js";
import type { Issue, Report } from "./report.js";

interface TestCase {
  readonly name: string;
  readonly className: string;
  readonly failure?: { readonly type: string; readonly message: string; readonly text: string };
  readonly skipped?: string;
  readonly output?: string;
}

/**
 * Returns a report as JUnit XML: one test case for each check and for each rule with nothing found, and one for each thing that
 * was found. Errors are failures; warnings and notes pass, with what was found as their output.
 */
export function junitXml(report: Report): string {
  const { command, target, rules, issues, checks } = report;
  const found = new Set(issues.map((issue) => issue.rule));
  const className = `ocilot.${command}`;
  const cases: TestCase[] = [
    ...checks.map(({ name, outcome, message = "" }): TestCase => {
      if (outcome === "failed") return { name, className, failure: { type: "CHECK_FAILED", message, text: printable(message) } };
      return outcome === "skipped" ? { name, className, skipped: message } : { name, className };
    }),
    ...issues.map((issue) => caseOf(issue, className)),
    ...rules.filter((rule) => !found.has(rule.id)).map(({ id }): TestCase => ({ name: id, className })),
  ];
  const failures = cases.filter((c) => c.failure !== undefined).length;
  const skipped = cases.filter((c) => c.skipped !== undefined).length;
  const figures = `tests="${cases.length}" failures="${failures}" errors="0"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="ocilot" ${figures}>`,
    `  <testsuite name=${quoted(`ocilot ${command} ${target}`)} ${figures} skipped="${skipped}">`,
    ...cases.flatMap(caseLines),
    "  </testsuite>",
    "</testsuites>",
  ].join("\n");
}

function caseOf({ rule, severity, message, path, file, digest, fix }: Issue, className: string): TestCase {
  const lines = [
    message,
    `file: ${file}`,
    ...(path === undefined ? [] : [`path: ${path}`]),
    ...(digest === undefined ? [] : [`digest: ${digest}`]),
    ...(fix === undefined ? [] : [`fix: ${fix}`]),
  ].map(printable);
  const name = `${rule}: ${path ?? digest ?? file}`;
  const text = lines.join("\n");
  if (severity === "error") return { name, className, failure: { type: rule, message: lines[0]!, text } };
  return { name, className, output: `${severity}: ${text}` };
}

function caseLines({ name, className, failure, skipped, output }: TestCase): string[] {
  const open = `    <testcase classname=${quoted(className)} name=${quoted(name)}`;
  const inner = [
    ...(failure === undefined
      ? []
      : [`      <failure type=${quoted(failure.type)} message=${quoted(failure.message)}>${escaped(failure.text)}</failure>`]),
    ...(skipped === undefined ? [] : [`      <skipped message=${quoted(skipped)}/>`]),
    ...(output === undefined ? [] : [`      <system-out>${escaped(output)}</system-out>`]),
  ];
  return inner.length === 0 ? [`${open}/>`] : [`${open}>`, ...inner, "    </testcase>"];
}

function quoted(text: string): string {
  return `"${escaped(printable(text)).replaceAll('"', "&quot;")}"`;
}

/** `printable` has made escapes of control characters; XML forbids these code points as well. */
function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll(/[\uFFFE\uFFFF]/g, "\uFFFD");
}
