import { join } from "node:path";
import { type Descriptor, type Layout, type Manifest, MAX_MANIFEST_BYTES, OcilotError, manifestKind, parseManifest } from "@ocilot/layout";
import { focusOn, openView, readGraph, referrersIn } from "@ocilot/referrers";
import { type Command, defineCommand } from "../command.js";
import { EXIT } from "../exit-code.js";
import { type PlannedFile, planFiles } from "../extract/names.js";
import { writeFiles } from "../extract/write.js";
import { findSubject } from "../find-subject.js";
import { isImageConfig } from "../inventory.js";
import { print } from "../io.js";
import { artifactTypeOption } from "../options/artifact-type.js";
import { archiveOption, maxSizeOf } from "../options/archive.js";
import { scanOption } from "../options/scan.js";
import { printable } from "../printable.js";
import { type Reference, openReference, resolveIn } from "../reference.js";
import { usageError } from "../usage-error.js";

export const extract: Command = defineCommand({
  usage: "extract REF [--artifact-type TYPE] --output DIR [--all] [--force]",
  examples: [
    ["ocilot extract ./layout:v1 --artifact-type application/spdx+json --output sbom", "the SBOM of an image"],
    ["ocilot extract ./layout@sha256:4e1f… --output out", "a referrer by its own digest"],
    ["ocilot extract ./layout:v1 --artifact-type application/spdx+json --all --output sboms", "all of them"],
  ],
  notes: "Prints the path of each file. Nothing is written unless every name is safe and every blob is whole.",
  positionals: { ref: { describe: "The referrer itself, or with --artifact-type what it refers to" } },
  options: {
    ...artifactTypeOption,
    output: { type: "string", placeholder: "DIR", demandOption: true, describe: "The directory for the files; made if it is not there" },
    all: { type: "boolean", default: false, describe: "Of several that match, each in a directory of its own" },
    force: { type: "boolean", default: false, describe: "Replace files that are there" },
    ...scanOption,
    ...archiveOption,
  },

  async run(args, { io, signal }) {
    const { layout, reference } = await openReference(args.ref, { maxSize: maxSizeOf(args["max-size"]), signal });
    const type = args["artifact-type"];
    if (args.all && type === undefined) throw usageError("--all goes with --artifact-type", "all");
    const chosen =
      type === undefined
        ? [await resolveIn(layout, reference)]
        : await matching(layout, reference, type, { all: args.all, scan: args.scan, signal });
    const files: PlannedFile[] = [];
    for (const descriptor of chosen) {
      const found = planFiles((await manifestAt(layout, descriptor, type === undefined)).layers);
      // Always with --all, so that a second match does not move the files of the first.
      const prefix = args.all ? `${descriptor.digest.replace(":", "-")}/` : "";
      files.push(...found.map((file) => ({ ...file, name: prefix + file.name })));
      if (found.length === 0) io.stderr.write(`ocilot: note: ${descriptor.digest} has no files\n`);
    }
    const paths = await writeFiles(layout.blobs, files, args.output, { force: args.force, signal });
    for (const [i, path] of paths.entries()) {
      print(io, printable(path));
      if (files[i]!.untitled) io.stderr.write(printable(`ocilot: note: ${join(path)} has no title and is named by its digest`) + "\n");
    }
    return EXIT.ok;
  },
});

/** The referrers of that type; one, unless all are wanted. */
async function matching(
  layout: Layout,
  reference: Reference,
  type: string,
  options: { all: boolean; scan: boolean; signal: AbortSignal },
): Promise<Descriptor[]> {
  const snapshot = await layout.index.read();
  const view = await openView(layout, { ...options, snapshot });
  const { subject, graph } = await findSubject(layout, snapshot, reference, async (wanted) =>
    readGraph(options.scan ? view : focusOn(view, wanted)),
  );
  const { digest } = subject;
  const all = referrersIn(graph, digest);
  const found = all.filter((r) => r.descriptor.artifactType === type).map((r) => r.descriptor);
  if (found.length === 0) {
    const types = [...new Set(all.map((r) => r.descriptor.artifactType || "(none)"))];
    const hint =
      types.length === 0
        ? "It has no referrers; its platforms may have some: ocilot referrers REF --recursive"
        : `Its referrers have: ${types.join(", ")}`;
    throw new OcilotError("REF_NOT_FOUND", `${digest} has no referrer of type ${type}`, { reference: reference.text }, { hint });
  }
  if (found.length === 1 || options.all) return found;
  const candidates = found.map((d) => `@${d.digest}`);
  throw new OcilotError(
    "REF_AMBIGUOUS",
    `${found.length} referrers of ${digest} have the type ${type}: ${candidates.slice(0, 5).join(", ")}${candidates.length > 5 ? ", …" : ""}`,
    { reference: reference.text, candidates },
    { hint: `Name one of them, as ${reference.path}${candidates[0]}, or take them all with --all.` },
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
    throw usageError(`${digest} is ${what}`, "ref", "Choose among its referrers with --artifact-type, or name one by its @digest.");
  }
  return manifest;
}
