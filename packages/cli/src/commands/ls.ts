import { openLayout } from "@ocilot/layout";
import { findProblems, openView, readGraph } from "@ocilot/referrers";
import { type Command, defineCommand } from "../command.js";
import { type Detected, detectAll, spoken } from "../detect.js";
import { EXIT } from "../exit-code.js";
import { type ImageRow, type PlatformRow, listImages } from "../inventory.js";
import { print } from "../io.js";
import { archiveOption, maxSizeOf } from "../options/archive.js";
import { jsonOption } from "../options/json.js";
import { scanOption } from "../options/scan.js";
import { printable } from "../printable.js";
import { parseLayoutPath } from "../reference.js";
import { renderJson } from "../render/json.js";
import { renderTable } from "../render/table.js";
import { count, formatSize } from "../render/text.js";
import { layoutWarnings, warn } from "../warn.js";

export const ls: Command = defineCommand({
  usage: "ls LAYOUT [--verbose] [--scan] [--json]",
  examples: [
    ["ocilot ls ./layout", "images, platforms, sizes, and how many referrers each has"],
    ["ocilot ls ./layout --verbose", "also which entry speaks which convention, and all that is odd"],
    ["ocilot ls ./layout --json | jq -r '.images[].tags[]'", "all tags"],
  ],
  positionals: { layout: { describe: "A directory with oci-layout, index.json and blobs/, or a tar of one" } },
  options: {
    verbose: { type: "boolean", default: false, describe: "Show the entries that speak each convention, and all problems" },
    ...scanOption,
    ...archiveOption,
    ...jsonOption,
  },

  async run(args, { io, signal }) {
    await using layout = await openLayout(parseLayoutPath(args.layout), { maxSize: maxSizeOf(args["max-size"]), signal });
    const snapshot = await layout.index.read();
    const view = await openView(layout, { scan: args.scan, signal, snapshot });
    const detected = await detectAll(view);
    const graph = await readGraph(view);
    const images = await listImages(layout, view, graph, detected);
    const warnings = layoutWarnings(layout, snapshot);
    const problems = await findProblems(view, graph);
    if (args.json) {
      const conventions = spoken(detected).map(({ convention, detection: { entries, flags } }) => ({
        id: convention.id,
        title: convention.title,
        entries,
        flags,
      }));
      print(io, renderJson({ layout: layout.location, version: layout.version, images, conventions, problems, warnings }));
      return EXIT.ok;
    }
    warn(io, warnings);
    print(io, images.length === 0 ? "No images." : imageTable(images));
    print(io, `\nConventions: ${conventionLine(detected)}`);
    if (args.verbose) printEvidence(detected);
    else if (problems.length > 0) print(io, `Problems: ${problems.length} (ocilot ls --verbose shows them)`);
    return EXIT.ok;

    function printEvidence(all: readonly Detected[]): void {
      for (const { convention, detection } of spoken(all)) {
        print(io, `\n${convention.id}: ${convention.title}`);
        const rows = detection.entries.map(({ position, reason }) => {
          return [`  index.json entry ${position}`, snapshot.entries[position]?.descriptor.digest ?? "", reason];
        });
        for (const flag of detection.flags) rows.push(["  index.json", "annotation", flag]);
        print(io, renderTable(rows));
      }
      print(io, problems.length === 0 ? "\nNo problems." : `\nProblems: ${problems.length}`);
      for (const p of problems) {
        const where = p.position === undefined ? "" : ` (index.json entry ${p.position})`;
        print(io, printable(`  ${p.code}: ${p.message}${where}`));
      }
    }
  },
});

function imageTable(images: readonly ImageRow[]): string {
  const rows = images.flatMap((image) => [
    [nameOf(image), kindOf(image), formatSize(image.size), String(image.referrers), image.digest],
    ...image.platforms.map((p) => ["", platformCell(p), formatSize(p.size), String(p.referrers), p.digest]),
  ]);
  return renderTable([["IMAGE", "PLATFORM", "SIZE", "REFERRERS", "DIGEST"], ...rows], [2, 3]);
}

function nameOf({ tags, names }: ImageRow): string {
  return tags.join(", ") || names.join(", ") || "(no tag)";
}

function kindOf(image: ImageRow): string {
  if (!image.present) return "(not in the layout or damaged)";
  if (image.platforms.length > 0) return count(image.platforms.length, "platform");
  return image.artifactType ?? image.platform ?? image.mediaType;
}

function platformCell(row: PlatformRow): string {
  return `- ${row.platform ?? row.mediaType}${row.present ? "" : " (not in the layout or damaged)"}`;
}

function conventionLine(detected: readonly Detected[]): string {
  const parts = spoken(detected).map(({ convention, detection }) => {
    if (detection.entries.length === 0) return `${convention.id} (its flag only)`;
    const what = convention.traits.shape === "list" ? count(detection.entries.length, "list") : entriesText(detection.entries.length);
    return `${convention.id} (${what})`;
  });
  return parts.join(", ") || "none";
}

function entriesText(n: number): string {
  return count(n, "entry", "entries");
}
