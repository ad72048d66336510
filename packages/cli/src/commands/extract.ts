import {
  type Descriptor,
  type Layout,
  MAX_MANIFEST_BYTES,
  type Manifest,
  OcilotError,
  type Reference,
  manifestKind,
  parseManifest,
} from "@ocilot/layout";
import { isOpenFilter, viewOfSubject, openView, readGraph, referrersIn } from "@ocilot/referrers";
import { type Command, defineCommand } from "../command-line/define-command.js";
import { EXIT } from "../exit-code.js";
import { extractStatements } from "../extract/extract-statements.js";
import { type PlannedFile, planFiles } from "../extract/names.js";
import { writeFiles } from "../extract/write.js";
import { commandLine } from "../render/shell-quote.js";
import { findSubject } from "../reference/find-subject.js";
import { isImageConfig } from "../images/image-config.js";
import { artifactTypeOption, typeFilter } from "../options/artifact-type.js";
import { archiveOption, maxSizeOf } from "../options/archive.js";
import { jsonOption } from "../options/json.js";
import { scanOption } from "../options/scan.js";
import { printable } from "../render/printable.js";
import { platformOption } from "../options/platform.js";
import { statementFilter, statementOptions } from "../options/statement.js";
import { registryOptions, registrySettings } from "../options/registry.js";
import { openReference } from "../reference/open-layout.js";
import { resolveIn } from "../reference/resolve.js";
import { usageError } from "../command-line/usage-error.js";

export const command: Command = defineCommand({
  name: "extract",
  group: "Read",
  describe: "Write the files of a referrer to a directory",
  usage: "extract REF [--kind KIND] [--format FORMAT] [--artifact-type TYPE] --output DIR [--platform P|--all-platforms] [--raw]",
  examples: [
    [
      "ocilot extract ./layout:v1 --kind sbom --format spdx --output sbom",
      "the SPDX document of an image, out of whatever it is wrapped in",
    ],
    ["ocilot extract ./layout:v1 --kind provenance --all-platforms --output out", "the provenance of each platform"],
    ["ocilot extract ./layout@sha256:4e1f… --output out", "a referrer by its own digest"],
    [
      "ocilot extract ./layout:v1 --artifact-type 'application/vnd.example.*' --all --output files",
      "every match, each in a directory of its own",
    ],
  ],
  notes: [
    "With --kind, --format, --predicate-type or --unwrap it writes documents: an SBOM, a predicate byte for byte as it was signed, a signature as it is stored; named by kind, platform and format. Without a statement on the image itself, that of its only platform is taken. Signatures are not verified.",
    "Prints the path of each file. Nothing is written unless every blob matches its digest. A title that some file system cannot hold is changed; one that leads out of the directory is refused, and --by-digest always works.",
  ],
  seeAlso: ["referrers", "cat"],
  positionals: { ref: { complete: "reference", describe: "The referrer itself, or its subject with --kind or --artifact-type" } },
  options: {
    ...statementOptions,
    ...artifactTypeOption,
    ...platformOption,
    "all-platforms": { type: "boolean", conflicts: ["platform"], describe: "With --kind: statements of the image and of each platform" },
    unwrap: { type: "boolean", describe: "Write documents without their envelopes; --kind does so anyway" },
    raw: { type: "boolean", conflicts: ["unwrap"], describe: "With --kind: write the blobs as they are stored, with their envelopes" },
    output: {
      type: "string",
      alias: "o",
      placeholder: "DIR",
      demandOption: true,
      complete: "directory",
      describe: "The directory for the files; created if it does not exist",
    },
    all: { type: "boolean", describe: "Extract every match; with --artifact-type each in a directory of its own" },
    force: { type: "boolean", alias: "f", describe: "Replace existing files" },
    "by-digest": { type: "boolean", describe: "Name files by their digests, whatever their titles are" },
    ...scanOption,
    ...archiveOption,
    ...registryOptions,
    ...jsonOption,
  },

  async run(args, { io, out, signal }) {
    const { layout, reference } = await openReference(args.ref, {
      maxSize: maxSizeOf(args["max-size"]),
      registry: registrySettings(args, io.env),
      signal,
    });
    const type = args["artifact-type"];
    const isAboutStatements = args.unwrap || args["all-platforms"] || args.raw || !isOpenFilter(statementFilter(args));
    if (isAboutStatements) return await extractStatements(layout, reference, args, { out, signal });
    if (args.all && type === undefined) throw usageError("--all goes with --kind or --artifact-type", "all");
    const chosen =
      type === undefined
        ? [await resolveIn(layout, reference, { platform: args.platform, signal })]
        : await matching(layout, reference, type, { output: args.output, all: args.all, scan: args.scan, platform: args.platform, signal });
    const files: PlannedFile[] = [];
    for (const descriptor of chosen) {
      const found = planFiles((await manifestAt(layout, descriptor, type === undefined)).layers, args["by-digest"]);
      // Always with --all, so that a second match does not move the files of the first.
      const prefix = args.all ? `${descriptor.digest.replace(":", "-")}/` : "";
      files.push(...found.map((file) => ({ ...file, name: prefix + file.name })));
      if (found.length === 0) out.note(`${descriptor.digest} has no files`);
    }
    const paths = await out.duringBytes(
      "Extracting",
      async (onProgress) => await writeFiles(layout.blobs, files, args.output, { force: args.force, signal, onProgress }),
      args.json,
    );
    for (const [i, path] of paths.entries()) {
      if (!args.json) out.print(printable(path));
      const { title, name } = files[i]!;
      if (title === undefined) out.note(`${path} has no title and is named by its digest`);
      else if (title !== name && !name.endsWith(`/${title}`) && !args["by-digest"])
        out.note(`${path} has the title ${JSON.stringify(title)}, which is not safe as a name`);
    }
    if (args.json) out.json({ files: paths.map((path, i) => fileJson(path, files[i]!)) });
    return EXIT.ok;
  },
});

function fileJson(path: string, { layer: { digest, mediaType, size }, title }: PlannedFile): object {
  return { path, digest, mediaType, size, ...(title !== undefined && { title }) };
}

/** Returns the referrers of that type; one, unless all are wanted. */
async function matching(
  layout: Layout,
  reference: Reference,
  type: string,
  options: { output: string; all: boolean; scan: boolean; platform: string | undefined; signal: AbortSignal },
): Promise<Descriptor[]> {
  const snapshot = await layout.index.read();
  const view = await openView(layout, { ...options, snapshot });
  const { subject, graph } = await findSubject(layout, { ...options, reference, snapshot }, async (wanted) =>
    readGraph(options.scan ? view : viewOfSubject(view, wanted)),
  );
  const { digest } = subject;
  const isWanted = typeFilter(type);
  const all = referrersIn(graph, digest);
  const found = all.filter((r) => isWanted(r.descriptor.artifactType)).map((r) => r.descriptor);
  if (found.length === 0) {
    const types = [...new Set(all.map((r) => r.descriptor.artifactType || "(none)"))];
    const hint =
      types.length === 0
        ? `It has no referrers; its platforms may have some: ${commandLine("ocilot", "referrers", reference.text, "--recursive")}`
        : `The types of its referrers: ${types.join(", ")}`;
    const others = all.length === 0 ? "" : ` (${all.length} of other types)`;
    throw new OcilotError("REF_NOT_FOUND", `${digest} has no referrer of type ${type}${others}`, { reference: reference.text }, { hint });
  }
  if (found.length === 1 || options.all) return found;
  const candidates = found.map((d) => `@${d.digest}`);
  throw new OcilotError(
    "REF_AMBIGUOUS",
    `${found.length} referrers of ${digest} have the type ${type}: ${candidates.slice(0, 5).join(", ")}${candidates.length > 5 ? ", …" : ""}`,
    { reference: reference.text, candidates },
    {
      hint: `Name one of them: ${commandLine("ocilot", "extract", reference.path + candidates[0]!, "--output", options.output)}; or extract them all with --all.`,
    },
  );
}

async function manifestAt(layout: Layout, descriptor: Descriptor, isNamed: boolean): Promise<Manifest> {
  const { digest, mediaType } = descriptor;
  if (manifestKind(mediaType) === undefined)
    throw usageError(`${digest} is a blob, not a manifest`, "ref", "Print it with: ocilot cat REF");
  const manifest = parseManifest(await layout.blobs.bytes(descriptor, { maxBytes: MAX_MANIFEST_BYTES }), mediaType, digest);
  const isIndex = manifest.kind === "index" || manifest.kind === "docker-list";
  if (isIndex || (isNamed && manifest.config !== undefined && isImageConfig(manifest.config.mediaType))) {
    const what = isIndex ? "an image index, which has no files" : "an image";
    throw usageError(
      `${digest} is ${what}`,
      "ref",
      "Choose among its referrers with --kind (sbom, signature, …) or --artifact-type, or name one by its @digest.",
    );
  }
  return manifest;
}
