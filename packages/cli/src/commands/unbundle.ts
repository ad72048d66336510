import { statSync } from "node:fs";
import { OcilotError, isRegistryReference } from "@ocilot/layout";
import {
  type BundleTarget,
  directoryTarget,
  mergeReceipts,
  redactReceipt,
  renameRoots,
  setTags,
  type Receipt,
  unbundle,
} from "@ocilot/referrers";
import { openSession } from "../bundle/open-session.js";
import { registryTarget, rulesOf } from "../bundle/registry-target.js";
import { reportUnbundle } from "../bundle/render-bundle.js";
import { checkSignature, signaturePath } from "../bundle/run-hook.js";
import { takeReceipt } from "../bundle/take-receipt.js";
import { watchPlaces } from "../bundle/watch-places.js";
import { type Command, defineCommand } from "../command-line/define-command.js";
import { usageError } from "../command-line/usage-error.js";
import { EXIT } from "../exit-code.js";
import { archiveOption, maxSizeOf } from "../options/archive.js";
import { jsonOption } from "../options/json.js";
import { checkReceiptFile, writeReceipt } from "../options/receipt-file.js";
import { registryOptions, registrySettings } from "../options/registry.js";
import { waitOf, writeOptions } from "../options/write.js";
import { isDirectory } from "../reference/is-directory.js";
import { commandLine } from "../render/shell-quote.js";

export const command: Command = defineCommand({
  name: "unbundle",
  group: "Move",
  describe: "Bring bundles into a layout or a registry: parts in any order, in several runs",
  usage: "unbundle FILE... --into DST [--map FROM=TO]... [--receipt FILE] [--verify-with COMMAND] [--force-tags]",
  examples: [
    ["ocilot unbundle app.tar --into ./layout", "into a layout directory, created if it does not exist"],
    [
      "ocilot unbundle /mnt/*.tar --into docker://registry.local/mirror --receipt far.json",
      "into a registry; far.json is the next --since",
    ],
    ["ocilot unbundle week2.part-002-of-003.tar --into ./layout", "one part now, the others later; exit 8 until all have arrived"],
    ["ocilot unbundle app.tar --into docker://registry.local --map registry.example/app=prod/app", "a repository by another name"],
  ],
  notes: [
    "Blobs are stored as they are read, each checked. Nothing is listed until everything that a bundle lists is there; until then the run ends with exit 8 and says what is missing. After an interrupt or a crash, run the same command again.",
    "A tag moves only to a later bundle, and not if it was changed at the destination meanwhile; --force-tags moves it all the same.",
    "In a registry, registry.example/team/app becomes DST/team/app. What is not complete yet is kept in DST/.ocilot-bundles, for a registry in $XDG_STATE_HOME/ocilot or the directory of --state.",
    "The command of --verify-with gets the receipt's digest on standard input and the path NAME.sig in OCILOT_SIGNATURE; if it fails, nothing is stored.",
  ],
  exitCodes: {
    4: "a file is damaged",
    6: "refused: a part that belongs to another bundle, or a signature that was not accepted",
    8: "something is missing, or tags stayed where they were",
  },
  seeAlso: ["bundle", "receipt", "verify"],
  positionals: {},
  variadic: { name: "file", complete: "file", min: 1, describe: "A file of a bundle; - is standard input" },
  options: {
    into: {
      type: "string",
      placeholder: "DST",
      complete: "layout",
      demandOption: true,
      describe: "A layout directory, or docker://HOST[/PREFIX]",
    },
    map: {
      type: "string",
      array: true,
      placeholder: "FROM=TO",
      complete: "none",
      describe: "Repositories that begin with FROM begin with TO instead",
    },
    receipt: { type: "string", placeholder: "FILE", complete: "file", describe: "Write what the destination holds now: the next --since" },
    redact: { type: "boolean", implies: ["receipt"], describe: "Digests and sizes only in the receipt, no names" },
    "verify-with": {
      type: "string",
      placeholder: "COMMAND",
      complete: "none",
      describe: "Check the signature of each bundle with this command first",
    },
    "force-tags": { type: "boolean", describe: "Move every tag to what the bundle has, also back" },
    state: {
      type: "string",
      placeholder: "DIR",
      complete: "directory",
      describe: "Where to keep what is not complete yet, for a registry",
    },
    ...archiveOption,
    ...writeOptions,
    ...registryOptions,
    ...jsonOption,
  },

  async run(args, { io, out, signal }) {
    const rules = rulesOf(args.map);
    for (const file of args.rest) if (isDirectory(file)) throw directoryGiven(file);
    if (!isRegistryReference(args.into)) refuseFile(args.into);
    if (args.receipt !== undefined) await checkReceiptFile(args.receipt);
    const sync = !args["no-sync"];
    const session = openSession(registrySettings(args, io.env));
    const plain = isRegistryReference(args.into)
      ? registryTarget(args.into, {
          rules,
          session: session.get,
          env: io.env,
          signal,
          ...(args.state !== undefined && { state: args.state }),
        })
      : directoryTarget(args.into, { rules, sync });
    const target = watchPlaces(plain);
    const verifyWith = args["verify-with"];
    const progress = out.progress("Unbundling", args.json);
    try {
      const result = await unbundle(args.rest, target, {
        sync,
        signal,
        wait: waitOf(args.wait),
        maxSize: maxSizeOf(args["max-size"]),
        forceTags: args["force-tags"],
        onProgress: ({ bytes, totalBytes }) => progress.updateBytes(bytes, totalBytes),
        ...(verifyWith !== undefined && {
          verify: async (digest, file) => await checkSignature(verifyWith, digest, signaturePath(file), signal),
        }),
      }).finally(() => progress.end());
      out.warn(target.unusedRules(rules));
      const destinationOf = (names: readonly string[]): readonly string[] => {
        const places = target.placesOf(names);
        return places.length === 0 ? [args.into] : places;
      };
      const receipt = args.receipt === undefined ? undefined : await receiptOf(target, isRegistryReference(args.into), signal);
      if (receipt !== undefined) await writeReceipt(args.receipt!, args.redact ? redactReceipt(receipt) : receipt, io);
      if (args.json)
        out.json({
          ...result,
          written: { bytes: result.written },
          ...(receipt && { receipt: { digest: receipt.digest, file: args.receipt } }),
        });
      else out.say(...reportUnbundle(result, destinationOf), ...(receipt === undefined ? [] : [`Receipt written to ${args.receipt}.`]));
      if (result.damaged.length > 0) return EXIT.damaged;
      return result.sets.every((s) => s.state === "merged" && s.kept.length === 0) ? EXIT.ok : EXIT.inexpressible;
    } finally {
      await session.close();
    }
  },
});

function directoryGiven(path: string): Error {
  const hint = `Copy a layout with: ${commandLine("ocilot", "copy", "--all", path, "DST")}; make a bundle of it with: ${commandLine("ocilot", "bundle", path, "--output", "FILE.tar")}`;
  return usageError(`${path} is a directory; unbundle takes files that ocilot bundle wrote`, "file", hint);
}

/** @throws OcilotError `NOT_A_LAYOUT` */
function refuseFile(path: string): void {
  const there = statSync(path, { throwIfNoEntry: false });
  if (there === undefined || there.isDirectory()) return;
  throw new OcilotError(
    "NOT_A_LAYOUT",
    `${path} is a file, not a layout directory`,
    { path, reason: "not-a-directory" },
    { hint: "Name a layout directory for --into; it is created if it does not exist." },
  );
}

/** What a target holds of what bundles brought; a layout directory whole. Names are those of the bundles. */
async function receiptOf(target: BundleTarget, isRegistry: boolean, signal: AbortSignal): Promise<Receipt> {
  const receipts: Receipt[] = [];
  const known = await setTags(target.state);
  if (!isRegistry) await target.prepare();
  for (const [place, tags] of isRegistry ? known : [["", known.get("") ?? []] as const]) {
    const layout = await target.open(
      place,
      tags.map((t) => t.tag),
    );
    try {
      const { receipt } = await takeReceipt(layout, { signal });
      const names = new Map(tags.map((t) => [t.tag, t.name]));
      receipts.push(renameRoots(receipt, (tag) => names.get(tag) ?? tag));
    } finally {
      await layout.close();
    }
  }
  return mergeReceipts(receipts);
}
