import { readFileSync } from "node:fs";
import { type Digest, OcilotError, sniffManifest } from "@ocilot/layout";
import {
  type ConventionId,
  type NewReferrer,
  attach,
  formatPlatform,
  manifestOf,
  matchesPlatform,
  openView,
  parsePlatform,
} from "@ocilot/referrers";
import { type Command, defineCommand } from "../command.js";
import { EXIT } from "../exit-code.js";
import { type Context, print } from "../io.js";
import { annotationOption, annotationsOf } from "../options/annotation.js";
import { targetOf } from "../options/convention.js";
import { createdOf, createdOption } from "../options/created.js";
import { openFile } from "../options/file-source.js";
import { jsonOption } from "../options/json.js";
import { parseLayerFile } from "../options/layer-file.js";
import { waitOf, writeOptions } from "../options/write.js";
import { Progress } from "../progress.js";
import { type Reference, digestIn, openReference, resolveIn } from "../reference.js";
import { renderJson } from "../render/json.js";
import { usageError } from "../usage-error.js";

export const attachCommand: Command = defineCommand({
  usage: "attach REF [FILE[:MEDIATYPE]...] --artifact-type TYPE [--annotation K=V]... [--platform P] [--convention C]",
  examples: [
    ["ocilot attach ./layout:v1 sbom.spdx.json:application/spdx+json --artifact-type application/spdx+json", "an SBOM for an image"],
    ["ocilot attach ./layout:v1 scan.json --artifact-type application/vnd.example.scan --platform linux/arm64", "for one platform of it"],
    ["ocilot attach ./layout:v1 --manifest signature-manifest.json", "a manifest that exists already, as it is"],
  ],
  notes: [
    "It prints the digest of the referrer. The same input gives the same digest: no time is recorded unless you give one.",
    "It is written in the conventions that the layout speaks, or in all of universal if it has no referrers yet.",
  ].join("\n"),
  positionals: { ref: { describe: "LAYOUT:TAG or LAYOUT@DIGEST of the subject" } },
  variadic: { name: "file", describe: "A file to store as a layer; - is standard input", min: 0 },
  options: {
    "artifact-type": { type: "string", placeholder: "TYPE", describe: "What the artifact is, a media type" },
    ...annotationOption,
    platform: { type: "string", placeholder: "P", describe: "Attach to this platform of an image index, like linux/arm64" },
    convention: { type: "string", array: true, placeholder: "C", describe: "Record it in this convention only; may be repeated" },
    manifest: { type: "string", placeholder: "FILE", describe: "Attach this manifest byte for byte; its subject must be REF" },
    ...createdOption,
    "allow-dangling": { type: "boolean", default: false, describe: "Attach to a digest that is not in the layout" },
    "subject-size": { type: "string", placeholder: "BYTES", describe: "The size of a subject that is not in the layout" },
    "subject-type": { type: "string", placeholder: "TYPE", describe: "Its media type; an image manifest unless told" },
    ...writeOptions,
    ...jsonOption,
  },

  async run(args, { io, signal }) {
    const conventions = args.convention?.map((name): ConventionId => targetOf(name, "convention"));
    const referrer = newReferrer(args, args.rest, io);
    const { layout, reference } = await openReference(args.ref, { sync: !args["no-sync"] });
    const digest = await subjectOf(reference);
    const progress = new Progress(io, args.json, "Storing");
    const size = args["subject-size"];
    const subject = {
      digest,
      ...(size !== undefined && { size: bytesOf(size) }),
      ...(args["subject-type"] !== undefined && { mediaType: args["subject-type"] }),
    };
    const descriptor = await attach(layout, subject, referrer, {
      ...(conventions !== undefined && { conventions }),
      allowDangling: args["allow-dangling"],
      wait: waitOf(args.wait),
      signal,
      onProgress: ({ done, total }) => progress.update(done, total),
    }).finally(() => progress.end());
    print(io, args.json ? renderJson({ subject: digest, referrer: descriptor }) : descriptor.digest);
    return EXIT.ok;

    async function subjectOf(ref: Reference): Promise<Digest> {
      const named = digestIn(ref);
      if (named !== undefined && args["allow-dangling"]) return named;
      const found = await resolveIn(layout, ref);
      if (args.platform === undefined) return found.digest;
      const platform = parsePlatform(args.platform);
      const [node] = await (await openView(layout, { signal })).nodes([found]);
      const children = manifestOf(node)?.manifests ?? [];
      const match = children.find((d) => matchesPlatform(d.platform, platform));
      if (match !== undefined) return match.digest;
      const offered = children
        .filter((d) => d.platform !== undefined && d.platform.os !== "unknown")
        .map((d) => formatPlatform(d.platform));
      throw new OcilotError(
        "REF_NOT_FOUND",
        `${found.digest} has no platform ${args.platform}`,
        { reference: ref.text, candidates: offered },
        {
          hint: offered.length === 0 ? "It is not an image index: leave out --platform." : `It has: ${offered.join(", ")}`,
        },
      );
    }
  },
});

interface ReferrerArguments {
  readonly manifest?: string | undefined;
  readonly "artifact-type"?: string | undefined;
  readonly annotation?: readonly string[] | undefined;
  readonly created?: string | undefined;
}

function newReferrer(args: ReferrerArguments, files: readonly string[], io: Context["io"]): NewReferrer {
  const artifactType = args["artifact-type"];
  if (args.manifest !== undefined) {
    if (files.length > 0 || artifactType !== undefined || args.annotation !== undefined) {
      throw usageError("--manifest is taken as it is: no files, --artifact-type or --annotation go with it", "manifest");
    }
    const bytes = readManifest(args.manifest);
    return { manifest: bytes, mediaType: sniffManifest(bytes) };
  }
  if (artifactType === undefined)
    throw usageError("--artifact-type is required", "artifact-type", "It says what the artifact is, like application/spdx+json.");
  const layers = files.map(parseLayerFile);
  if (layers.filter((l) => l.path === "-").length > 1) throw usageError("standard input can be only one of the files", "file");
  const created = createdOf(args.created, io.env);
  return {
    artifactType,
    layers: layers.map(({ path, mediaType, title }) => ({
      source: openFile(path, io.stdin),
      mediaType,
      ...(title !== undefined && { title }),
    })),
    annotations: annotationsOf(args.annotation),
    ...(created !== undefined && { created }),
  };
}

function readManifest(path: string): Uint8Array {
  try {
    return readFileSync(path === "-" ? 0 : path);
  } catch (error) {
    throw new OcilotError("PATH_NOT_FOUND", `${path} cannot be read: ${(error as NodeJS.ErrnoException).code}`, { path }, { cause: error });
  }
}

function bytesOf(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw usageError(`--subject-size is ${JSON.stringify(text)}, not a number of bytes`, "subject-size");
}
