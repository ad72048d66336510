import { basename } from "node:path";
import { OcilotError, isOcilotError, parseReference } from "@ocilot/layout";
import {
  BUNDLE_FILE,
  type BundleOutput,
  type BundlePlan,
  type BundleSource,
  type StagedBundle,
  checkPolicy,
  joinPolicies,
  parseReceipt,
  parseRequire,
  planBundle,
  rootFigures,
  stageBundle,
  verifyLayout,
  writeBundle,
  writeParts,
} from "@ocilot/referrers";
import { parseImageList } from "../bundle/image-list.js";
import { type SourceSpec, sourceOf } from "../bundle/source-spec.js";
import { openSession } from "../bundle/open-session.js";
import { openSources, refuseNoSource } from "../bundle/open-sources.js";
import { SLOW_DISK, renderPlan, reportBundle } from "../bundle/render-bundle.js";
import { refuseOldSignature, signDigest, signaturePath } from "../bundle/run-hook.js";
import { type Command, defineCommand } from "../command-line/define-command.js";
import { usageError } from "../command-line/usage-error.js";
import { EXIT } from "../exit-code.js";
import { archiveOption, maxSizeOf } from "../options/archive.js";
import { createdOf } from "../options/created.js";
import { readInput } from "../options/input-file.js";
import { jsonOption } from "../options/json.js";
import { partSizeOf } from "../options/part-size.js";
import { checkBundleReceipt, writeReceipt } from "../options/receipt-file.js";
import { sizeOf } from "../options/size.js";
import { registryOptions, registrySettings } from "../options/registry.js";
import { refuseForeignSuffix } from "../reference/archive-suffix.js";
import { renderFindings } from "../render/findings.js";

export const command: Command = defineCommand({
  name: "bundle",
  group: "Move",
  describe: "Pack images with every referrer for another site, in parts that fit, without what the site has",
  usage: "bundle SRC... --output FILE [--since RECEIPT]... [--split SIZE] [--receipt FILE] [--require RULE]... [--list FILE]... [--plan]",
  examples: [
    ["ocilot bundle docker://registry.example/app:v1 --output app.tar", "an image with its platforms, signatures and SBOMs"],
    ["ocilot bundle ./layout docker://registry.example/tools --output all.tar --split dvd", "several sources, in parts for DVDs"],
    ["ocilot bundle --list images.txt --output week2.tar --since far.json", "only what the destination lacks"],
    ["ocilot bundle ./layout --output all.tar --split 4G --only-part 3", "make one lost part again"],
  ],
  notes: [
    "SRC is LAYOUT[:TAG|@DIGEST], a tar, or docker://HOST/REPOSITORY[:TAG|@DIGEST]; TAG may contain *. FILE of --list has one image a line, or is YAML of skopeo sync or hauler; what of it is not used is named.",
    "A bundle is an OCI layout in a tar: .tar, .tar.gz or .tar.zst. Without --since, oras, skopeo and podman read it. Each part is a layout too, holds all manifests, and can be verified and unbundled alone; NAME.sha256 beside them is for sha256sum -c.",
    "The same sources, options and --created give the same bytes. Without --created the date is that of the newest image or, of layouts on this machine, when they were last written.",
    'The command of --sign-with gets the receipt\'s digest on standard input and the path NAME.sig in OCILOT_SIGNATURE: cosign sign-blob --key k.key --bundle "$OCILOT_SIGNATURE" -',
  ],
  exitCodes: {
    4: "content is damaged, a requirement is not met, or parts of that size are too small",
    6: "refused: a file is there, or two sources have one name",
  },
  seeAlso: ["unbundle", "receipt", "copy"],
  positionals: {},
  variadic: { name: "src", complete: "reference", min: 0, describe: "A layout, a tar, or docker://HOST/REPOSITORY[:TAG]" },
  options: {
    output: { type: "string", alias: "o", placeholder: "FILE", complete: "file", describe: "The archive to write; - is standard output" },
    list: {
      type: "string",
      array: true,
      placeholder: "FILE",
      complete: "file",
      describe: "Bundle the images in this list; - is standard input",
    },
    since: {
      type: "string",
      array: true,
      placeholder: "RECEIPT",
      complete: "file",
      describe: "Leave out the blobs in this receipt of the destination",
    },
    split: {
      type: "string",
      placeholder: "SIZE",
      complete: "none",
      describe: "Write parts of at most this size: 4G, dvd, dvd-dl, bd, cd or fat32",
    },
    "only-part": { type: "string", placeholder: "N", implies: ["split"], complete: "none", describe: "Write only this part again" },
    plan: { type: "boolean", describe: "Print sizes and parts; read manifests only, write nothing" },
    rate: { type: "string", placeholder: "SIZE", describe: "Bytes a second that --plan assumes for reading and writing (default: 100M)" },
    receipt: { type: "string", placeholder: "FILE", complete: "file", describe: "Write the receipt of everything in the bundle" },
    require: { type: "string", array: true, placeholder: "RULE", complete: "none", describe: "Require referrers, as verify does" },
    "sign-with": { type: "string", placeholder: "COMMAND", complete: "none", describe: "Sign the receipt's digest with this command" },
    created: {
      type: "string",
      placeholder: "TIME",
      complete: "none",
      describe: "Date of the bundle, RFC 3339: the later bundle moves a tag",
    },
    force: { type: "boolean", alias: "f", describe: "Replace files that are there, and parts of an earlier set" },
    "no-sync": { type: "boolean", configurable: true, describe: "Skip fsync: faster, but data may be lost on power failure" },
    ...archiveOption,
    ...registryOptions,
    ...jsonOption,
  },

  async run(args, { io, out, signal }) {
    const rules = (args.require ?? []).map(parseRequire);
    const limit = args.split === undefined ? undefined : partSizeOf(args.split);
    const created = createdOf(args.created, io.env);
    const { output } = args;
    if (output === undefined && !args.plan)
      throw usageError("--output is missing", "output", "Name the archive to write, or only look with --plan.");
    if (output !== undefined) refuseForeignSuffix(output, "output");
    if (output === "-" && limit !== undefined) throw usageError("--split takes a file name for --output", "split");
    const only = args["only-part"];
    if (only !== undefined && !/^[1-9]\d{0,5}$/.test(only))
      throw usageError(`--only-part is ${JSON.stringify(only)}, not the number of a part`, "only-part");
    const specs: SourceSpec[] = args.rest.map((text) => (text.startsWith("docker://") ? sourceOf(text) : { kind: "layout", text }));
    for (const file of args.list ?? []) {
      const list = parseImageList(new TextDecoder().decode(await readInput(file, io.stdin)), file);
      specs.push(...list.specs);
      if (list.unused.length > 0) out.warn(list.unused);
    }
    refuseNoSource(specs);
    const signature = args["sign-with"] === undefined || output === undefined ? undefined : signaturePath(output);
    if (signature !== undefined && !args.plan) refuseOldSignature(signature, args.force);
    if (args.receipt !== undefined && output !== undefined && !args.plan)
      await checkBundleReceipt(args.receipt, {
        output,
        isSplit: limit !== undefined,
        sources: specs.flatMap(({ kind, text }) => (kind === "layout" ? parseReference(text).path : [])),
        ...(signature !== undefined && { signature }),
      });
    const since = await Promise.all((args.since ?? []).map(async (file) => parseReceipt(await readInput(file, io.stdin), file)));

    const session = openSession(registrySettings(args, io.env));
    const { sources, modified } = await openSources(specs, { maxSize: maxSizeOf(args["max-size"]), session: session.get, signal }).catch(
      async (error: unknown) => {
        await session.close();
        throw error;
      },
    );
    try {
      const staged = await out.during("Reading", stageBundle(sources, { signal }), args.json).catch((error: unknown) => {
        throw isOcilotError(error, "BLOB_NOT_FOUND") ? incomplete(error, sources) : error;
      });
      const unmet = rules.length === 0 ? [] : await unmetRules(staged, rules, signal);
      if (unmet.length > 0) {
        out.print(renderFindings(unmet));
        return EXIT.damaged;
      }
      const date = created ?? newestOf(staged.newest, modified);
      const plan = await planBundle(staged, {
        name: output === undefined || output === "-" ? "bundle.tar" : basename(output),
        since,
        ...(limit !== undefined && { limit }),
        ...(date !== undefined && { created: date }),
      });
      if (args.plan) {
        const figures = await rootFigures(plan);
        if (args.json)
          out.json({
            set: plan.set,
            receipt: { digest: plan.receipt.digest },
            images: figures,
            parts: plan.content.parts.map(({ name, size }) => ({ name, size })),
            since: plan.content.since,
            absent: plan.content.absent,
          });
        else out.print(renderPlan(plan, figures, args.rate === undefined ? SLOW_DISK : sizeOf(args.rate, "rate")));
        return EXIT.ok;
      }
      const progress = out.progress("Bundling", args.json);
      const options: BundleOutput = {
        force: args.force,
        sync: !args["no-sync"],
        signal,
        onProgress: ({ bytes, totalBytes }) => progress.updateBytes(bytes, totalBytes),
        ...(only !== undefined && { only: Number(only) }),
      };
      const files = await writeAll(plan, output!, limit !== undefined, options, io.stdout).finally(() => progress.end());
      if (args.receipt !== undefined) await writeReceipt(args.receipt, plan.receipt, io);
      if (signature !== undefined) await signDigest(args["sign-with"]!, plan.receipt.digest, signature, signal);
      const lines = reportBundle(plan, files, { only: options.only, signature });
      if (output === "-") for (const line of lines) out.note(line);
      else if (args.json)
        out.json({
          set: plan.set,
          receipt: { digest: plan.receipt.digest, ...(args.receipt !== undefined && { file: args.receipt }) },
          files,
          since: plan.content.since,
          absent: plan.content.absent,
          created: plan.content.created,
          signature,
        });
      else out.say(...lines);
      return EXIT.ok;
    } finally {
      for (const { layout } of sources) await layout.close();
      await session.close();
    }
  },
});

async function unmetRules(staged: StagedBundle, rules: Parameters<typeof joinPolicies>[0], signal: AbortSignal) {
  const { evidence } = await verifyLayout(staged.layout, { content: "presence", signal });
  if (evidence === undefined) return [];
  return (await checkPolicy(evidence, joinPolicies(rules), "the bundle")).filter((f) => f.severity === "error");
}

/** The error for sources that lack content, with what can be done about it here. */
function incomplete(error: OcilotError<"BLOB_NOT_FOUND">, sources: readonly BundleSource[]): Error {
  const part = sources.find(({ layout }) => layout.extraFiles.has(BUNDLE_FILE));
  const hint =
    part === undefined
      ? "Nothing was written. Take it from another copy: ocilot repair LAYOUT --from OTHER; or name the images that are whole: LAYOUT:TAG."
      : `${part.layout.location} is a file of a bundle that is not whole alone; unbundle it first, with the other parts and what it builds on: ocilot unbundle FILE... --into DIR`;
  return new OcilotError(error.code, error.message, error.details, { hint, cause: error });
}

/** The later of the newest date in the content and the last change of a local source. */
function newestOf(newest: string | undefined, modified: number | undefined): string | undefined {
  if (modified === undefined) return newest;
  return new Date(Math.max(modified, newest === undefined ? 0 : Date.parse(newest))).toISOString();
}

async function writeAll(
  plan: BundlePlan,
  output: string,
  isSplit: boolean,
  options: BundleOutput,
  stdout: NodeJS.WritableStream,
): Promise<string[]> {
  if (isSplit) return await writeParts(plan, output, options);
  if (output === "-") await writeBundle(plan, stdout as Parameters<typeof writeBundle>[1], { ...options, compression: "none" });
  else await writeBundle(plan, output, options);
  return [output];
}
