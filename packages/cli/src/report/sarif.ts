import { printable } from "../render/printable.js";
import type { Issue, Report, Rule } from "./report.js";

/** Where the reference pages are. */
const HOME = "https://github.com/ocilot/ocilot";
const LEVELS = { error: "error", warning: "warning", info: "note" } as const;

/**
 * Returns a report as a SARIF 2.1.0 log, plain data. Locations are relative to the working directory where the target was given
 * so, as code scanning services want them.
 * @see https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
 */
export function sarifLog(report: Report): object {
  const { command, version, rules, issues } = report;
  const used = rules.filter((rule) => issues.some((issue) => issue.rule === rule.id));
  const driver = { name: "ocilot", informationUri: HOME, version, semanticVersion: version, rules: used.map(ruleOf) };
  return {
    $schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: { driver },
        automationDetails: { id: `ocilot/${command}/` },
        columnKind: "utf16CodeUnits",
        invocations: [{ executionSuccessful: true }],
        results: issues.map((issue) => resultOf(issue, used, report)),
      },
    ],
  };
}

function ruleOf({ id, meaning, fix, severity, page }: Rule): object {
  return {
    id,
    shortDescription: { text: meaning },
    helpUri: `${HOME}/blob/main/docs/${page}.md#${id}`,
    help: { text: fix === "" ? meaning : `${meaning} Fix: ${fix}` },
    defaultConfiguration: { level: LEVELS[severity] },
  };
}

function resultOf(issue: Issue, rules: readonly Rule[], report: Report): object {
  const { rule, severity, message, file, path, digest, fix } = issue;
  const text = printable(fix === undefined ? message : `${message}. Fix: ${fix}`);
  const member = report.kind === "directory" ? [] : [{ name: printable(file), kind: "file" }];
  const steps = path === undefined ? [] : [{ fullyQualifiedName: printable(path), kind: "reference" }];
  const logicalLocations = [...member, ...steps];
  return {
    ruleId: rule,
    ruleIndex: rules.findIndex((r) => r.id === rule),
    level: LEVELS[severity],
    message: { text },
    locations: [
      {
        physicalLocation: { artifactLocation: { uri: uriOf(file, report) }, region: { startLine: 1 } },
        ...(logicalLocations.length > 0 && { logicalLocations }),
      },
    ],
    partialFingerprints: { "ocilot/v1": printable([rule, digest ?? file, path ?? ""].join(" ")) },
  };
}

/** The file in the layout; of an archive the archive, of a registry the repository. */
function uriOf(file: string, { target, kind }: Report): string {
  if (kind === "registry") return encodeURI(target);
  const path = target
    .replaceAll("\\", "/")
    .replace(/^(\.\/+)+/, "")
    .replace(/\/+$/, "");
  const isWhole = path === "" || path === ".";
  const full = kind === "archive" ? path : isWhole ? file : `${path}/${file}`;
  const encoded = full.split("/").map(encodeURIComponent).join("/");
  return path.startsWith("/") ? `file://${encoded}` : /^[A-Za-z]:\//.test(path) ? `file:///${full[0]}:${encoded.slice(4)}` : encoded;
}
