import type { IndexSnapshot } from "@ocilot/layout";
import { findProblems, openView, readGraph } from "@ocilot/referrers";
import { type Command, defineCommand } from "../command-line/define-command.js";
import { EXIT } from "../exit-code.js";
import { type Detected, detectAll, inUse } from "../images/conventions-in-use.js";
import { layoutWarnings } from "../images/layout-warnings.js";
import { listImages } from "../images/list-images.js";
import { taggedReferrers } from "../images/tagged-referrers.js";
import { archiveOption, maxSizeOf } from "../options/archive.js";
import { formatOf, formatOptions } from "../options/format.js";
import { jsonOption } from "../options/json.js";
import { scanOption } from "../options/scan.js";
import { registryOptions, registrySettings } from "../options/registry.js";
import { openWhole } from "../reference/open-layout.js";
import { renderFields } from "../render/fields.js";
import { IMAGE_FIELDS, imageTable, imageTree, lineRows } from "../render/images.js";
import { printable } from "../render/printable.js";
import { renderTable } from "../render/table.js";
import { count } from "../render/text.js";

export const command: Command = defineCommand({
  name: "ls",
  aliases: ["list"],
  group: "Read",
  describe: "List images with their platforms and referrer counts",
  usage: "ls LAYOUT [--verbose] [--scan] [--format FORMAT] [--json]",
  examples: [
    ["ocilot ls ./layout", "images, platforms, sizes and referrer counts"],
    ["ocilot ls ./layout --verbose", "also the index.json entries of each convention, and all problems"],
    ["ocilot ls ./layout --json | jq -r '.images[].tags[]'", "all tags"],
    ["ocilot ls ./layout --fields digest,platform,size", "one line per image and platform, for a script"],
  ],
  seeAlso: ["referrers", "doctor"],
  positionals: { layout: { complete: "layout", describe: "A directory with oci-layout, index.json and blobs/, or a tar of one" } },
  options: {
    ...scanOption,
    ...archiveOption,
    ...formatOptions(Object.keys(IMAGE_FIELDS), "table"),
    ...registryOptions,
    ...jsonOption,
  },

  async run(args, { io, out, signal }) {
    await using layout = await openWhole(args.layout, {
      maxSize: maxSizeOf(args["max-size"]),
      registry: registrySettings(args, io.env),
      signal,
    });
    const format = formatOf(args, "table");
    const snapshot = await layout.index.read();
    const view = await openView(layout, { scan: args.scan, signal, snapshot });
    const graph = await readGraph(view);
    const images = await listImages(layout, view, graph);
    if (args.fields !== undefined) {
      for (const line of renderFields(lineRows(images), args.fields, IMAGE_FIELDS)) out.print(line);
      return EXIT.ok;
    }
    const detected = await detectAll(view);
    const tagged = taggedReferrers(view, graph);
    const warnings = layoutWarnings(layout, snapshot);
    const problems = await findProblems(view, graph);
    if (format === "json") {
      const conventions = inUse(detected).map(({ convention, detection: { entries, flags } }) => ({
        id: convention.id,
        title: convention.title,
        entries: entries.map(({ position, reason }) => ({ position, digest: snapshot.entries[position]?.descriptor.digest, reason })),
        flags,
      }));
      out.json({ layout: layout.location, version: layout.version, images, taggedReferrers: tagged, conventions, problems, warnings });
      return EXIT.ok;
    }
    out.warn(warnings);
    if (images.length === 0) out.print("No images.");
    else out.print(format === "tree" ? imageTree(layout.location, images) : imageTable(images, (text) => out.style("bold", text)));
    out.print(layout.keepsEntries ? `\nConventions in use: ${conventionLine(detected)}` : `\nReferrers listed by: ${originLine(snapshot)}`);
    if (tagged.length > 0) out.print(printable(`Tagged referrers: ${tagged.map((t) => t.tag).join(", ")}`));
    if (out.settings.verbose) printEvidence(detected);
    else if (problems.length > 0) out.print(`Problems: ${problems.length} (ocilot ls --verbose lists them)`);
    return EXIT.ok;

    function printEvidence(all: readonly Detected[]): void {
      for (const { convention, detection } of inUse(all)) {
        out.print(`\n${convention.id}: ${convention.title}`);
        const rows = detection.entries.map(({ position, reason }) => {
          return [`  index.json entry ${position}`, snapshot.entries[position]?.descriptor.digest ?? "", reason];
        });
        for (const flag of detection.flags) rows.push(["  index.json", "annotation", flag]);
        out.print(renderTable(rows));
      }
      out.print(problems.length === 0 ? "\nNo problems." : `\nProblems: ${problems.length}`);
      for (const p of problems) {
        const where = p.position === undefined ? "" : ` (index.json entry ${p.position})`;
        out.print(printable(`  ${p.code}: ${p.message}${where}`));
      }
    }
  },
});

/** Where a registry names referrers. */
function originLine({ entries }: IndexSnapshot): string {
  const counts = new Map<string, number>();
  for (const { origin } of entries) {
    const by = origin?.subject === undefined ? undefined : origin.by === "tag" ? "tags of cosign" : origin.by;
    if (by !== undefined) counts.set(by, (counts.get(by) ?? 0) + 1);
  }
  return [...counts].map(([by, n]) => `${by} (${n})`).join(", ") || "none";
}

function conventionLine(detected: readonly Detected[]): string {
  const parts = inUse(detected).map(({ convention, detection }) => {
    if (detection.entries.length === 0) return `${convention.id} (its flag only)`;
    const isList = convention.traits.shape === "list";
    return `${convention.id} (${isList ? count(detection.entries.length, "list") : count(detection.entries.length, "entry", "entries")})`;
  });
  return parts.join(", ") || "none";
}
