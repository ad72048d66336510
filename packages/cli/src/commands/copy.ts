import { readdirSync } from "node:fs";
import { type CopyOptions, type CopyResult, TARGETS, copyLayout, copyToArchive, parsePlatform } from "@ocilot/referrers";
import { Layout } from "@ocilot/layout";
import { type Command, defineCommand } from "../command.js";
import { EXIT } from "../exit-code.js";
import { parseDestination } from "../destination.js";
import { print } from "../io.js";
import { archiveOption, maxSizeOf } from "../options/archive.js";
import { targetOf } from "../options/convention.js";
import { jsonOption } from "../options/json.js";
import { waitOf, writeOptions } from "../options/write.js";
import { printable } from "../printable.js";
import { Progress } from "../progress.js";
import { type Reference, openReference, resolveIn } from "../reference.js";
import { renderJson } from "../render/json.js";
import { count, formatSize } from "../render/text.js";
import { usageError } from "../usage-error.js";

export const copy: Command = defineCommand({
  usage: "copy SRC DST [--platform P]... [--no-referrers] [--all] [--convention C]... [--force]",
  examples: [
    ["ocilot copy ./layout:v1 ./out", "an image, its platforms, and every signature and SBOM of each"],
    ["ocilot copy ./layout:v1 ./out:stable --platform linux/amd64", "one platform; the index keeps its digest, so signatures stay valid"],
    ["ocilot copy --all ./layout bundle.tar.gz", "everything, in one file that crosses the gap; the same input gives the same bytes"],
  ],
  notes: [
    "For docker, podman or ctr: ocilot copy --docker ./layout:v1 - | docker load",
    "What belongs to the copy and cannot be taken is an error, and then nothing is copied.",
    "Referrers are recorded as DST already does it, else as SRC does, unless --convention says otherwise.",
    "Exit 8: done, but referrers of the whole index stayed behind (--rewrite-index) or content was missing (--allow-missing).",
  ].join("\n"),
  positionals: {
    src: { describe: "LAYOUT:TAG or LAYOUT@DIGEST; with --all LAYOUT" },
    dst: {
      describe: "A layout directory, made if it does not exist, or a new .tar, .tar.gz or .tar.zst, or - ; DST:TAG gives another tag",
    },
  },
  options: {
    platform: { type: "string", array: true, placeholder: "P", describe: "Only this platform of an image index; may be repeated" },
    "rewrite-index": { type: "boolean", default: false, describe: "With --platform: a new, smaller index, which nothing signs" },
    "no-referrers": { type: "boolean", default: false, describe: "Leave out signatures, SBOMs, attestations" },
    all: { type: "boolean", default: false, describe: "Copy the whole layout" },
    convention: { type: "string", array: true, placeholder: "C", describe: `Record referrers so; may be repeated: ${TARGETS.join(", ")}` },
    force: { type: "boolean", default: false, describe: "Move a tag that DST has on something else" },
    "allow-missing": { type: "boolean", default: false, describe: "Copy what is there although content is missing" },
    link: {
      type: "boolean",
      default: false,
      describe: "Hard-link blobs instead of copying them, on one file system; only manifests are hashed again",
    },
    docker: { type: "boolean", default: false, describe: "Write an archive that docker, podman and ctr load" },
    ...archiveOption,
    ...writeOptions,
    ...jsonOption,
  },

  async run(args, { io, signal }) {
    const sync = !args["no-sync"];
    const { layout: source, reference } = await openReference(args.src, { sync, maxSize: maxSizeOf(args["max-size"]), signal });
    if (args.all && reference.rest !== "")
      throw usageError(`${args.src}: --all takes a whole layout`, "src", `Leave out ${reference.rest}, or --all.`);
    if (args["rewrite-index"] && args.platform === undefined) throw usageError("--rewrite-index goes with --platform", "rewrite-index");
    const conventions = args.convention?.map((name) => targetOf(name, "convention"));
    const platforms = args.platform?.map(parsePlatform);
    const destination = parseDestination(args.dst);
    const { path, tag } = destination;
    if (args.all && tag !== undefined) throw usageError(`${args.dst}: --all keeps the tags of the source`, "dst");
    if (args.all && platforms !== undefined) throw usageError("--platform goes with an image, not with --all", "platform");
    if (args.docker && destination.kind === "directory") throw usageError("--docker goes with an archive", "docker", "Write to FILE.tar.");
    const progress = new Progress(io, args.json, "Copying");
    const options: CopyOptions = {
      ...(args.all ? {} : { reference: await referenceIn(source, reference) }),
      ...(tag !== undefined && { tag }),
      ...(platforms !== undefined && { platforms }),
      ...(conventions !== undefined && { conventions }),
      referrers: !args["no-referrers"],
      rewriteIndex: args["rewrite-index"],
      force: args.force,
      allowMissing: args["allow-missing"],
      link: args.link,
      wait: waitOf(args.wait),
      signal,
      onProgress: ({ bytes, totalBytes }) => progress.updateBytes(bytes, totalBytes),
    };
    const copying =
      destination.kind === "archive"
        ? copyToArchive(source, path === "-" ? io.stdout : path, {
            ...options,
            docker: args.docker,
            sync,
            ...(path === "-" && { compression: "none" as const }),
          })
        : copyLayout(source, isFree(path) ? () => Layout.create(path, { sync }) : await Layout.open(path, { sync }), options);
    const result = await copying.finally(() => progress.end());
    const lines = args.json ? [renderJson(result)] : report(result, args.dst);
    // The archive itself is on standard output.
    for (const line of lines)
      if (path === "-") io.stderr.write(`${line}\n`);
      else print(io, line);
    return result.left.length + result.missing.length > 0 ? EXIT.inexpressible : EXIT.ok;
  },
});

/** Nothing is there, or an empty directory: a layout can be made of it. */
function isFree(path: string): boolean {
  try {
    return readdirSync(path).length === 0;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT";
  }
}

/** What the reference names, in the form that the library takes; a tag with a digest has been checked by then. */
async function referenceIn(source: Layout, reference: Reference): Promise<string> {
  const { digest } = await resolveIn(source, reference);
  const { rest } = reference;
  if (rest === "" || rest.startsWith("@")) return rest;
  const name = rest.slice(1);
  const isExact = (await source.index.read()).entries.some((e) => e.tag === name);
  const at = name.lastIndexOf(`@${digest}`);
  return isExact || at < 0 ? name : name.slice(0, at);
}

function report({ tag, root, manifests, referrers, written, present, omitted, missing, left }: CopyResult, to: string): string[] {
  const what = root === undefined ? "everything" : `${tag === undefined ? "" : `${tag} `}${root.digest}`;
  const lines = [
    `Copied ${what} to ${to}: ${count(manifests, "manifest")}, ${count(referrers, "referrer")}.`,
    `Wrote ${count(written.blobs, "blob")}, ${formatSize(written.bytes)}; ${present} were there.`,
  ];
  if (omitted.length > 0) {
    const many = count(omitted.length, "manifest");
    lines.push(`Left out for their platform: ${many}. The index keeps its digest, so its signatures stay valid.`);
  }
  for (const d of missing) lines.push(`Missing in the source: ${d.digest} (${d.mediaType})`);
  for (const e of left)
    lines.push(`Left behind: ${e.referrer.digest} (${e.artifactType ?? "no type"}) refers to the whole index ${e.subject}`);
  return lines.map(printable);
}
