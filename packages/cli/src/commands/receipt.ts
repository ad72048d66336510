import { isRegistryReference } from "@ocilot/layout";
import { type Receipt, compareReceipts, mergeReceipts, parseReceipt, receiptText, redactReceipt, renameRoots } from "@ocilot/referrers";
import { takeReceipt } from "../bundle/take-receipt.js";
import { type Command, defineCommand } from "../command-line/define-command.js";
import type { Context } from "../command-line/context.js";
import { usageError } from "../command-line/usage-error.js";
import { EXIT, type ExitCode } from "../exit-code.js";
import { archiveOption, maxSizeOf } from "../options/archive.js";
import { readInput } from "../options/input-file.js";
import { jsonOption } from "../options/json.js";
import { checkReceiptFile, writeReceipt } from "../options/receipt-file.js";
import { registryOptions, registrySettings } from "../options/registry.js";
import { openReference } from "../reference/open-layout.js";
import { exactReference, resolveIn } from "../reference/resolve.js";
import { renderFindings } from "../render/findings.js";
import { escapeJson } from "../render/json.js";
import { count } from "../render/text.js";

export const command: Command = defineCommand({
  name: "receipt",
  group: "Check",
  describe: "List what a layout or a registry holds, as a receipt; receipt diff compares two",
  usage: "receipt REF... [--output FILE] [--redact] | receipt diff A B",
  examples: [
    ["ocilot receipt ./layout --output far.json", "everything in a layout; the next --since of bundle"],
    ["ocilot receipt docker://registry.local/app docker://registry.local/web", "two repositories in one receipt"],
    ["ocilot receipt diff before.json after.json", "what was lost, what came, which tags moved; exit 7 if anything did"],
  ],
  notes: [
    "A receipt lists digests, sizes, tags and which manifest refers to which, and is sealed with its own digest. Content on this machine is hashed, and damaged or missing blobs are left out; of a registry only names and sizes are asked for.",
    "With several REF the tags of a registry begin with the repository, as in a bundle.",
  ],
  exitCodes: { 4: "damaged or missing content is not in the receipt", 7: "diff: the receipts differ" },
  seeAlso: ["bundle", "unbundle", "verify"],
  positionals: {},
  variadic: {
    name: "ref",
    complete: "reference",
    min: 1,
    describe: "LAYOUT[:TAG|@DIGEST], a tar, docker://HOST/REPOSITORY[:TAG]; or diff A B",
  },
  options: {
    output: {
      type: "string",
      alias: "o",
      placeholder: "FILE",
      complete: "file",
      describe: "Write to this file (default: standard output)",
    },
    redact: { type: "boolean", describe: "Leave out tags and image names; keep digests and sizes" },
    ...archiveOption,
    ...registryOptions,
    ...jsonOption,
  },

  async run(args, context) {
    const { io, out, signal } = context;
    const [first, ...files] = args.rest;
    if (first === "diff") return await diff(files, args.json, context);
    const output = args.output === "-" ? undefined : args.output;
    if (output !== undefined) await checkReceiptFile(output);
    const receipts: Receipt[] = [];
    let isWhole = true;
    for (const text of args.rest) {
      const { layout, reference } = await openReference(text, {
        maxSize: maxSizeOf(args["max-size"]),
        registry: registrySettings(args, io.env),
        signal,
      });
      try {
        const snapshot = await layout.index.read();
        const references =
          reference.rest === ""
            ? {}
            : { references: [exactReference(snapshot, reference, await resolveIn(layout, reference, { snapshot, signal }))] };
        const { receipt, errors } = await out.duringBytes(
          "Reading",
          async (onProgress) => await takeReceipt(layout, { ...references, signal, onProgress }),
          args.json,
        );
        if (errors.length > 0) out.warn(errors.map((e) => e.message));
        isWhole &&= errors.length === 0;
        const repository = isRegistryReference(text) && args.rest.length > 1 ? layout.location.replace(/^docker:\/\//, "") : undefined;
        receipts.push(repository === undefined ? receipt : renameRoots(receipt, (tag) => `${repository}:${tag}`));
      } finally {
        await layout.close();
      }
    }
    const whole = receipts.length === 1 ? receipts[0]! : mergeReceipts(receipts);
    const made = args.redact ? redactReceipt(whole) : whole;
    if (output === undefined) out.print(escapeJson(receiptText(made)));
    else {
      await writeReceipt(output, made, io);
      if (args.json) out.json({ digest: made.digest, file: output });
      else
        out.say(`Receipt ${made.digest} written to ${output}: ${count(made.roots.length, "root")}, ${count(made.blobs.length, "blob")}.`);
    }
    return isWhole ? EXIT.ok : EXIT.damaged;
  },
});

async function diff(files: readonly string[], json: boolean, { io, out }: Context): Promise<ExitCode> {
  if (files.length !== 2) throw usageError("receipt diff takes two receipts", "ref", "ocilot receipt diff A B");
  const [before, after] = await Promise.all(files.map(async (file) => parseReceipt(await readInput(file, io.stdin), file)));
  const findings = compareReceipts(before!, after!);
  if (json) out.json({ equal: findings.length === 0, findings });
  else if (findings.length > 0) out.print(renderFindings(findings));
  else out.say("The receipts list the same content.");
  return findings.length === 0 ? EXIT.ok : EXIT.checkFailed;
}
