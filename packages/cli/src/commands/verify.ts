import { type Layout, type Reference, isRegistryReference, parseReference } from "@ocilot/layout";
import type { RegistrySessionOptions } from "@ocilot/registry";
import {
  type VerifyEvidence,
  type Finding,
  type Receipt,
  type VerifyResult,
  blobsElsewhere,
  checkPolicy,
  compareReceipts,
  fileError,
  joinPolicies,
  makeReceipt,
  parsePolicy,
  parseReceipt,
  parseRequire,
  repositoriesIn,
  verifyLayout,
} from "@ocilot/referrers";
import { type Command, defineCommand } from "../command-line/define-command.js";
import { usageError } from "../command-line/usage-error.js";
import { EXIT } from "../exit-code.js";
import { platformOption } from "../options/platform.js";
import { readInput } from "../options/input-file.js";
import { jsonOption } from "../options/json.js";
import { checkReceiptFile, writeReceipt } from "../options/receipt-file.js";
import { reportFilesOption } from "../options/report-files.js";
import { reportFormatOption } from "../options/report-format.js";
import type { Output } from "../output.js";
import { registryOptions, registrySettings } from "../options/registry.js";
import { openParsed } from "../reference/open-layout.js";
import { isDirectory } from "../reference/is-directory.js";
import { exactReference, resolveIn } from "../reference/resolve.js";
import { countFindings, renderFindings } from "../render/findings.js";
import { count, formatSize } from "../render/text.js";
import { type AskedFor, findingReport } from "../report/finding-report.js";
import { isReportFormat, renderReport } from "../report/render-report.js";
import type { Report } from "../report/report.js";
import { checkReportFiles, writeReportFiles } from "../report/report-files.js";
import { VERSION } from "../version.js";

const NOTHING: VerifyResult["checked"] = { manifests: 0, blobs: 0, bytes: 0, referrers: 0 };

export const command: Command = defineCommand({
  name: "verify",
  group: "Check",
  describe: "Verify integrity (digests, sizes) and required referrers; does not check signatures cryptographically",
  usage:
    "verify LAYOUT[:TAG|@DIGEST] [REF...] [--strict] [--require RULE]... [--policy FILE] [--receipt FILE] [--against FILE [--allow-added]] [--presence] [--report FILE]...",
  examples: [
    ["ocilot verify ./layout", "check every blob and every record"],
    [
      "ocilot verify bundle.tar v1 --require 'application/spdx+json;scope=platform' --receipt bundle.json",
      "require an SBOM for each platform, and write a receipt",
    ],
    [
      "ocilot verify docker://site.example/app --against far.json --allow-added --presence",
      "does a registry still hold what a receipt lists? No layer is downloaded",
    ],
    ["ocilot verify ./layout --report ocilot.sarif --report ocilot.xml", "findings also as reports that CI services show"],
  ],
  notes: [
    "RULE is KIND or TYPE, then [;format=FORMAT][;predicate-type=PATTERN][;annotation=KEY=VALUE]…[;scope=image|platform|all|any][;min=N]; or one of no-dangling, digest=ALGORITHM[,…], tool=NAME[,…].",
    "KIND is signature, sbom, provenance, vex, vulnerability-report, attestation, license, source or other, whichever way it is wrapped; each platform needs it, on its own manifest or on its image (scope=any). TYPE is an artifact type and may contain * and ?; without a scope every image and every platform needs it. A statement that names another digest does not count. Signatures are not verified.",
    "Every blob is read and hashed, also those of a registry. With --presence only manifests are: of other content the name and the size are looked at (a registry is asked by HEAD), and of referrers what tells their kind is read.",
    "--against compares tags, with or without their repository. A receipt of several repositories is compared with all of them: ocilot receipt of each in one file, then receipt diff.",
    "A receipt is written only if there is no error. docs/findings.md lists every finding.",
  ],
  exitCodes: { 4: "errors were found, or a requirement is not met" },
  seeAlso: ["doctor", "repair"],
  positionals: {
    layout: { complete: "reference", describe: "A layout directory or a tar; with :TAG or @DIGEST only what that references" },
  },
  variadic: { name: "ref", complete: "none", describe: "More tags or @DIGESTs in the same layout", min: 0 },
  options: {
    ...platformOption,
    strict: { type: "boolean", describe: "Treat warnings as errors" },
    "require-complete": { type: "boolean", describe: "Require every platform of every image" },
    require: { type: "string", array: true, placeholder: "RULE", complete: "none", describe: "Require referrers, see RULE below" },
    policy: { type: "string", placeholder: "FILE", complete: "file", describe: "Read rules from a JSON file; - is standard input" },
    receipt: { type: "string", placeholder: "FILE", complete: "file", describe: "Write a list of the content to this file" },
    against: { type: "string", placeholder: "FILE", complete: "file", describe: "Compare with a receipt" },
    presence: {
      type: "boolean",
      conflicts: ["receipt"],
      describe: "Check that blobs are there, by name and size, instead of hashing them",
    },
    "allow-added": { type: "boolean", implies: ["against"], describe: "Accept content that is not in the receipt" },
    ...registryOptions,
    ...reportFormatOption,
    ...reportFilesOption,
    ...jsonOption,
  },

  async run(args, { io, out, signal }) {
    // A mistake in a rule or a file is reported before anything is hashed.
    const rules = (args.require ?? []).map(parseRequire);
    if (args.policy !== undefined) rules.push(parsePolicy(await readInput(args.policy, io.stdin), args.policy));
    const before = args.against === undefined ? undefined : parseReceipt(await readInput(args.against, io.stdin), args.against);
    if (args.receipt !== undefined) await checkReceiptFile(args.receipt);
    await checkReportFiles(args.report);
    if (before !== undefined && isRegistryReference(args.layout)) refuseSeveralRepositories(before, args.against!);
    const reference = parseReference(args.layout);
    const { path, rest } = reference;
    const named = [...(rest === "" ? [] : [rest]), ...args.rest.map((ref) => (/^[:@]/.test(ref) ? ref : `:${ref}`))];
    const format = args.json ? "json" : (args.format ?? "text");
    const asked = { requirements: rules.length > 0, receipt: before !== undefined };
    const layout = await opened(reference, registrySettings(args, io.env), signal);
    const about = { format, path, asked, isPresence: args.presence, files: args.report };
    if ("code" in layout) return await report(out, { ...about, findings: [layout], checked: NOTHING });
    const progress = out.progress("Verifying", format === "json");
    try {
      const result = await verifyLayout(layout, {
        strict: args.strict,
        content: args.presence ? "presence" : "hash",
        requireComplete: args["require-complete"],
        elsewhere: await blobsElsewhere(layout),
        signal,
        onProgress: ({ bytes, totalBytes }) => progress.updateBytes(bytes, totalBytes),
        ...(named.length > 0 && { references: await exactReferences(layout, named, args.platform, signal) }),
      });
      const { evidence } = result;
      const more = evidence === undefined ? [] : await checkPolicy(evidence, joinPolicies(rules), path);
      const { receipt, findings: differences } = await receipts(evidence, before, path, args.receipt !== undefined);
      const findings = args["allow-added"] ? differences.map(noteAdded) : differences;
      const all = [...result.findings, ...more, ...findings].toSorted(
        (a, b) => Number(b.severity === "error") - Number(a.severity === "error"),
      );
      progress.end();
      const isWritten = args.receipt !== undefined && receipt !== undefined && !all.some((f) => f.severity === "error");
      if (isWritten) await writeReceipt(args.receipt!, receipt, io);
      const sealed = receipt && { digest: receipt.digest, ...(isWritten && { file: args.receipt! }) };
      return await report(out, { ...about, findings: all, checked: result.checked, ...(sealed && { receipt: sealed }) });
    } finally {
      progress.end();
      await layout.close();
    }
  },
});

/**
 * A receipt does not say which of its blobs and links belong to which repository, so all of them would be compared with one.
 * @throws OcilotError `USAGE`
 */
function refuseSeveralRepositories(receipt: Receipt, file: string): void {
  const repositories = repositoriesIn(receipt);
  if (repositories.length < 2) return;
  throw usageError(
    `${file} lists the content of ${repositories.length} repositories together, and verify reads one: ${repositories.join(", ")}`,
    "against",
    `Compare all of them: ocilot receipt docker://HOST/REPOSITORY... --output now.json, then ocilot receipt diff ${file} now.json`,
  );
}

/** Returns the layout, or the finding that says why it cannot be read. */
async function opened(reference: Reference, registry: RegistrySessionOptions, signal: AbortSignal): Promise<Layout | Finding> {
  try {
    return await openParsed(reference, { registry, signal });
  } catch (error) {
    const found = fileError(error);
    if (found === undefined) throw error;
    return found;
  }
}

async function exactReferences(
  layout: Layout,
  named: readonly string[],
  platform: string | undefined,
  signal: AbortSignal,
): Promise<string[]> {
  const snapshot = await layout.index.read();
  return await Promise.all(
    named.map(async (rest) => {
      const reference = { text: layout.location + rest, rest };
      const found = await resolveIn(layout, reference, { snapshot, platform, signal });
      return platform === undefined ? exactReference(snapshot, reference, found) : `@${found.digest}`;
    }),
  );
}

/** What came since the receipt is no error where that is allowed. */
function noteAdded({ fix, ...finding }: Finding): Finding {
  if (finding.code === "RECEIPT_ADDED") return { ...finding, severity: "info" };
  return { ...finding, ...(fix !== undefined && { fix }) };
}

async function receipts(
  evidence: VerifyEvidence | undefined,
  before: Receipt | undefined,
  path: string,
  isWanted: boolean,
): Promise<{ receipt?: Receipt; findings: readonly Finding[] }> {
  if (evidence === undefined || (before === undefined && !isWanted)) return { findings: [] };
  const receipt = await makeReceipt(evidence);
  return { receipt, findings: before === undefined ? [] : compareReceipts(before, receipt, path) };
}

interface Outcome extends Pick<VerifyResult, "findings" | "checked"> {
  readonly format: string;
  readonly path: string;
  readonly asked: AskedFor;
  /** Files for reports. */
  readonly files: readonly string[] | undefined;
  /** Blobs were only looked for. */
  readonly isPresence: boolean;
  readonly receipt?: { readonly digest: string; readonly file?: string };
}

async function report(out: Output, outcome: Outcome): Promise<0 | 4> {
  const { format, path, asked, files, isPresence, findings, checked, receipt } = outcome;
  const isClean = !findings.some((f) => f.severity === "error");
  const what = [
    count(checked.manifests, "manifest"),
    count(checked.blobs, "blob"),
    formatSize(checked.bytes),
    count(checked.referrers, "referrer"),
  ];
  const summary = [
    `${path}: ${what.join(", ")}; ${countFindings(findings)}${isPresence ? "; blobs looked for by name and size, not hashed" : ""}`,
    ...(receipt?.file === undefined ? [] : [`Receipt ${receipt.digest} written to ${receipt.file}`]),
  ];
  const document = { clean: isClean, checked, findings, ...(receipt && { receipt }) };
  const kind = isRegistryReference(path) ? "registry" : isDirectory(path) ? "directory" : "archive";
  const makeReport = (): Report => findingReport(findings, asked, { target: path, kind, version: VERSION });
  await writeReportFiles(files, makeReport, document);
  if (format === "json") out.json(document);
  else if (isReportFormat(format)) {
    out.print(renderReport(makeReport(), format));
    for (const line of summary) out.note(line);
  } else {
    if (findings.length > 0) out.print(renderFindings(findings));
    out.say(...summary);
  }
  return isClean ? EXIT.ok : EXIT.damaged;
}
