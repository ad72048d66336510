import { readFile, writeFile } from "node:fs/promises";
import { type Layout, openLayout } from "@ocilot/layout";
import {
  type Evidence,
  type Finding,
  type Receipt,
  type VerifyResult,
  checkPolicy,
  compareReceipts,
  fileError,
  joinPolicies,
  makeReceipt,
  parsePolicy,
  parseReceipt,
  parseRequire,
  receiptText,
  verifyLayout,
} from "@ocilot/referrers";
import { type Command, defineCommand } from "../command.js";
import { EXIT } from "../exit-code.js";
import { type Io, print } from "../io.js";
import { jsonOption } from "../options/json.js";
import { printable } from "../printable.js";
import { Progress } from "../progress.js";
import { parseLayoutPath } from "../reference.js";
import { countFindings, renderFindings } from "../render/findings.js";
import { renderJson } from "../render/json.js";
import { count, formatSize } from "../render/text.js";

const NOTHING: VerifyResult["checked"] = { manifests: 0, blobs: 0, bytes: 0, referrers: 0 };

export const verify: Command = defineCommand({
  usage: "verify LAYOUT|TAR [REF...] [--strict] [--require RULE]... [--policy FILE] [--receipt FILE] [--against FILE]",
  examples: [
    ["ocilot verify ./layout", "is every blob there and whole, does every record say what is there"],
    [
      "ocilot verify bundle.tar v1 --require 'application/spdx+json;scope=platform' --receipt bundle.json",
      "has each platform an SBOM; note what there is",
    ],
    ["ocilot verify ./layout --against bundle.json", "on the far side: nothing lost, nothing added"],
  ],
  notes: [
    "RULE is TYPE[;annotation=KEY=VALUE]…[;scope=image|platform|all][;min=N], in which TYPE may hold * and ?; or one of",
    "no-dangling, digest=ALGORITHM[,…], tool=NAME[,…]. Without a scope it counts for every image and every platform.",
    "Exit 0: no error. 4: errors, or a requirement is not met. A receipt is written only where there is no error.",
    "docs/findings.md lists every finding.",
  ].join("\n"),
  positionals: { layout: { describe: "A layout directory, or a tar of one" } },
  variadic: { name: "ref", describe: "Only what this tag, or @DIGEST, leads to; everything unless given", min: 0 },
  options: {
    strict: { type: "boolean", default: false, describe: "Count warnings as errors" },
    require: { type: "string", array: true, placeholder: "RULE", describe: "What must be there; may be repeated" },
    policy: { type: "string", placeholder: "FILE", describe: "A file of rules (JSON; see packages/referrers/schema)" },
    receipt: { type: "string", placeholder: "FILE", describe: "Write what the layout holds to this file" },
    against: { type: "string", placeholder: "FILE", describe: "Compare with a receipt" },
    ...jsonOption,
  },

  async run(args, { io, signal }) {
    // A mistake in a rule or a file is told before much is hashed.
    const rules = (args.require ?? []).map(parseRequire);
    if (args.policy !== undefined) rules.push(parsePolicy(await readFile(args.policy), args.policy));
    const before = args.against === undefined ? undefined : parseReceipt(await readFile(args.against), args.against);
    const path = parseLayoutPath(args.layout);
    const layout = await opened(path);
    if ("code" in layout) return report(io, args.json, path, { findings: [layout], checked: NOTHING }, undefined);
    const progress = new Progress(io, args.json, "Verifying");
    try {
      const result = await verifyLayout(layout, {
        strict: args.strict,
        signal,
        onProgress: ({ bytes, totalBytes }) => progress.updateBytes(Math.min(bytes, totalBytes), totalBytes),
        ...(args.rest.length > 0 && { references: args.rest.map(inner) }),
      });
      const { evidence } = result;
      const more = evidence === undefined ? [] : await checkPolicy(evidence, joinPolicies(rules), path);
      const { receipt, findings } = await receipts(evidence, before, path, args.receipt !== undefined);
      const all = [...result.findings, ...more, ...findings].toSorted(
        (a, b) => Number(b.severity === "error") - Number(a.severity === "error"),
      );
      progress.end();
      const isWritten = args.receipt !== undefined && receipt !== undefined && !all.some((f) => f.severity === "error");
      if (isWritten) await writeFile(args.receipt!, receiptText(receipt));
      return report(
        io,
        args.json,
        path,
        { findings: all, checked: result.checked },
        receipt && { ...receipt, ...(isWritten && { file: args.receipt! }) },
      );
    } finally {
      progress.end();
      await layout.close();
    }
  },
});

/** The layout; or what makes it no layout, where that is damage. */
async function opened(path: string): Promise<Layout | Finding> {
  try {
    return await openLayout(path);
  } catch (error) {
    const found = fileError(error);
    if (found === undefined) throw error;
    return found;
  }
}

/** `:v1` means `v1`, as it would behind the path. */
function inner(ref: string): string {
  return ref.startsWith(":") ? ref.slice(1) : ref;
}

async function receipts(
  evidence: Evidence | undefined,
  before: Receipt | undefined,
  path: string,
  isWanted: boolean,
): Promise<{ receipt?: Receipt; findings: readonly Finding[] }> {
  if (evidence === undefined || (before === undefined && !isWanted)) return { findings: [] };
  const receipt = await makeReceipt(evidence);
  return { receipt, findings: before === undefined ? [] : compareReceipts(before, receipt, path) };
}

function report(
  io: Io,
  json: boolean,
  path: string,
  { findings, checked }: Pick<VerifyResult, "findings" | "checked">,
  receipt: (Receipt & { file?: string }) | undefined,
): 0 | 4 {
  const isClean = !findings.some((f) => f.severity === "error");
  const digest =
    receipt === undefined ? {} : { receipt: { digest: receipt.digest, ...(receipt.file !== undefined && { file: receipt.file }) } };
  if (json) print(io, renderJson({ clean: isClean, checked, findings, ...digest }));
  else {
    if (findings.length > 0) print(io, renderFindings(findings));
    const what = [
      count(checked.manifests, "manifest"),
      count(checked.blobs, "blob"),
      formatSize(checked.bytes),
      count(checked.referrers, "referrer"),
    ];
    print(io, printable(`${path}: ${what.join(", ")}; ${countFindings(findings)}`));
    if (receipt?.file !== undefined) print(io, printable(`Receipt ${receipt.digest} written to ${receipt.file}`));
  }
  return isClean ? EXIT.ok : EXIT.damaged;
}
