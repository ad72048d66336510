import { existsSync } from "node:fs";
import { type CopyOptions, type CopyResult, copyLayout, copyToArchive, parsePlatform } from "@ocilot/referrers";
import { Layout, type Reference, canCreateLayout, removeEmptyLayout } from "@ocilot/layout";
import type { RegistrySessionOptions } from "@ocilot/registry";
import { type Command, defineCommand } from "../command-line/define-command.js";
import { EXIT } from "../exit-code.js";
import { type Destination, parseDestination } from "../reference/destination.js";
import { openRegistryReference } from "../reference/registry-reference.js";
import { registryOptions, registrySettings } from "../options/registry.js";
import { statementFilter, statementOptions } from "../options/statement.js";
import { archiveOption, maxSizeOf } from "../options/archive.js";
import { conventionIds, recordOption } from "../options/convention.js";
import { jsonOption } from "../options/json.js";
import { waitOf, writeOptions } from "../options/write.js";
import { openReference } from "../reference/open-layout.js";
import { exactReference, resolveIn } from "../reference/resolve.js";
import { layoutWarnings } from "../images/layout-warnings.js";
import { reportCopy } from "../render/copy-report.js";
import { usageError } from "../command-line/usage-error.js";

export const command: Command = defineCommand({
  name: "copy",
  aliases: ["cp"],
  group: "Move",
  describe: "Copy an image with its platforms and every referrer",
  usage: "copy SRC DST [--platform P]... [--kind KIND,... | --no-referrers] [--all] [--convention C]... [--force]",
  examples: [
    ["ocilot copy ./layout:v1 ./out", "an image, its platforms, and every signature and SBOM of each"],
    ["ocilot copy ./layout:v1 ./out:stable --platform linux/amd64", "one platform; the index and its digest are kept"],
    ["ocilot copy docker://registry.example/app:v1 docker://site.example/app:v1", "between registries, with all referrers"],
    ["ocilot copy --all ./layout bundle.tar", "the whole layout as one reproducible file for an air-gapped site"],
  ],
  notes: [
    "For docker, podman or ctr: ocilot copy --docker ./layout:v1 - | docker load",
    "What refers to a referrer that --kind leaves out is left out too; name both kinds to keep it. Content is read only where a manifest does not tell its kind.",
    "A registry that refuses the type of a referrer gets the rest; the referrer is named, and the exit code is 8.",
    "If anything that belongs to the copy is missing or corrupt, nothing is copied. Layers that DST has are not read again: verify hashes them.",
    "Referrers are recorded in the conventions in use in DST, else in those of SRC, unless --convention is given.",
  ],
  exitCodes: {
    6: "refused: the tag already points elsewhere in DST",
    8: "done, but something was left behind (--rewrite-index, --allow-missing, a referrer that the registry refused)",
  },
  seeAlso: ["verify", "convert"],
  positionals: {
    src: { complete: "reference", describe: "LAYOUT:TAG, LAYOUT@DIGEST or docker://HOST/REPOSITORY:TAG; with --all, LAYOUT without a tag" },
    dst: {
      complete: "layout",
      describe:
        "A layout directory, created if it does not exist; a new .tar, .tar.gz or .tar.zst; - for standard output; or docker://HOST/REPOSITORY. DST:TAG sets the tag",
    },
  },
  options: {
    platform: {
      type: "string",
      alias: "p",
      array: true,
      conflicts: ["all"],
      placeholder: "PLATFORM",
      complete: "platform",
      describe: "Only this platform of an image index",
    },
    "rewrite-index": { type: "boolean", implies: ["platform"], describe: "Write a new index of these platforms; no signature covers it" },
    kind: {
      ...statementOptions.kind,
      conflicts: ["all", "no-referrers"],
      describe: "Only referrers of this kind (sbom, signature, …), in whatever envelope",
    },
    "no-referrers": { type: "boolean", describe: "Leave out signatures, SBOMs and attestations" },
    all: { type: "boolean", describe: "Copy the whole layout" },
    ...recordOption,
    force: { type: "boolean", alias: "f", describe: "Move the tag if it already points elsewhere in DST" },
    "allow-missing": { type: "boolean", describe: "Copy what is present although content is missing" },
    "require-complete": { type: "boolean", describe: "Fail if SRC lacks a platform of an image, even by design" },
    link: {
      type: "boolean",
      describe: "Hard-link blobs instead of copying them, on one file system; only manifests are hashed again",
    },
    "follow-links": {
      type: "boolean",
      describe: "Copy the content of files in SRC that are symbolic links out of it, as Bazel makes them (default: refuse them)",
    },
    docker: { type: "boolean", describe: "Write an archive that docker, podman and ctr load" },
    ...archiveOption,
    ...writeOptions,
    ...registryOptions,
    ...jsonOption,
  },

  async run(args, { io, out, signal }) {
    const sync = !args["no-sync"];
    const { layout: source, reference } = await openReference(args.src, {
      sync,
      followLinks: args["follow-links"],
      maxSize: maxSizeOf(args["max-size"]),
      registry: registrySettings(args, io.env),
      signal,
    });
    if (args.all && reference.rest !== "")
      throw usageError(`${args.src}: --all takes a whole layout`, "src", `Leave out ${reference.rest}, or --all.`);
    out.warn(layoutWarnings(source, await source.index.read()));
    const conventions = conventionIds(args.convention);
    const platforms = args.platform?.map(parsePlatform);
    const { kinds } = statementFilter({ kind: args.kind });
    const destination = parseDestination(args.dst);
    const { path, tag } = destination;
    if (args.all && tag !== undefined) throw usageError(`${args.dst}: --all keeps the tags of the source`, "dst");
    if (args.docker && destination.kind !== "archive") throw usageError("--docker goes with an archive", "docker", "Write to FILE.tar.");
    const progress = out.progress("Copying", args.json);
    const options: CopyOptions = {
      ...(args.all ? {} : { reference: await referenceIn(source, reference, signal) }),
      ...(tag !== undefined && { tag }),
      ...(platforms !== undefined && { platforms }),
      ...(conventions !== undefined && { conventions }),
      ...(kinds !== undefined && { kinds }),
      referrers: !args["no-referrers"],
      rewriteIndex: args["rewrite-index"],
      force: args.force,
      allowMissing: args["allow-missing"],
      requireComplete: args["require-complete"],
      link: args.link,
      wait: waitOf(args.wait),
      signal,
      onProgress: (event) => progress.updateBlobs(event),
    };
    const copying =
      destination.kind === "archive"
        ? copyToArchive(source, path === "-" ? io.stdout : path, {
            ...options,
            docker: args.docker,
            sync,
            ...(path === "-" && { compression: "none" as const }),
          })
        : destination.kind === "directory"
          ? copyIntoDirectory(source, path, { ...options, sync })
          : copyLayout(
              source,
              await repositoryOf(destination, source, options, { registry: registrySettings(args, io.env), signal }),
              options,
            );
    const result = await copying.finally(() => progress.end());
    // The archive itself may be on standard output.
    if (path === "-") for (const line of reportCopy(result, args.dst)) out.note(line);
    else if (args.json) out.json(result);
    else out.say(...reportCopy(result, args.dst));
    const { left, missing, notCarried, refused, replacedEntries } = result;
    return left.length + missing.length + notCarried.length + refused.length + replacedEntries.length > 0 ? EXIT.inexpressible : EXIT.ok;
  },
});

/** A layout that was made for a copy which then failed is removed again, unless something has come into it. */
async function copyIntoDirectory(source: Layout, path: string, { sync, ...options }: CopyOptions & { sync: boolean }): Promise<CopyResult> {
  if (!canCreateLayout(path)) return await copyLayout(source, await Layout.open(path, { sync }), options);
  const keepDirectory = existsSync(path);
  let isMade = false;
  const make = async (): Promise<Layout> => {
    const layout = await Layout.create(path, { sync });
    isMade = true;
    return layout;
  };
  try {
    return await copyLayout(source, make, options);
  } catch (error) {
    if (isMade) await removeEmptyLayout(path, { keepDirectory });
    throw error;
  }
}

/** Opens a repository that is copied into; only the tags that are to be written are looked at. */
async function repositoryOf(
  { path, tag }: Destination,
  source: Layout,
  { reference }: CopyOptions,
  given: { readonly registry: RegistrySessionOptions; readonly signal: AbortSignal },
): Promise<Layout> {
  const all = reference === undefined ? (await source.index.read()).entries.flatMap((e) => e.tag ?? []) : [];
  const one = reference === undefined || reference.startsWith("@") ? [] : [reference];
  return await openRegistryReference(path, { ...given, focus: { tags: tag === undefined ? [...all, ...one] : [tag] } });
}

async function referenceIn(source: Layout, reference: Reference, signal: AbortSignal): Promise<string> {
  const snapshot = await source.index.read();
  return exactReference(snapshot, reference, await resolveIn(source, reference, { snapshot, signal }));
}
