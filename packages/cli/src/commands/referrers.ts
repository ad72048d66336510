import type { Descriptor, Digest } from "@ocilot/layout";
import {
  type LayoutView,
  type Referrer,
  type ReferrerGraph,
  focusOn,
  manifestOf,
  openView,
  readGraph,
  referrersIn,
  responseLine,
  responsePieces,
} from "@ocilot/referrers";
import { type Command, defineCommand } from "../command.js";
import { EXIT } from "../exit-code.js";
import { findSubject } from "../find-subject.js";
import { leavesOf, platformText, referrersOf } from "../inventory.js";
import { type Io, print, printPieces } from "../io.js";
import { artifactTypeOption } from "../options/artifact-type.js";
import { conventionOption, conventionsOf } from "../options/convention.js";
import { archiveOption, maxSizeOf } from "../options/archive.js";
import { jsonOption } from "../options/json.js";
import { scanOption } from "../options/scan.js";
import { openReference } from "../reference.js";
import { renderNested } from "../render/response.js";
import { count } from "../render/text.js";
import { type TreeNode, renderTree } from "../render/tree.js";
import { layoutWarnings, warn } from "../warn.js";

/** A platform of an image index, and what refers to it. */
export interface PlatformReferrers {
  readonly digest: Digest;
  readonly platform: string | undefined;
  readonly referrers: readonly Referrer[];
}

export const referrers: Command = defineCommand({
  usage: "referrers REF [--recursive] [--artifact-type TYPE] [--convention C]... [--scan] [--json]",
  examples: [
    ["ocilot referrers ./layout:v1", "what refers to the image, by any convention"],
    ["ocilot referrers ./layout:v1 --recursive", "and to its platforms, and to its referrers"],
    ["ocilot referrers ./layout:v1 --json --artifact-type application/spdx+json", "as the Referrers API answers"],
  ],
  notes: [
    "--json prints an image index, as the Referrers API of a registry would. With --recursive each descriptor has an array",
    "`referrers` of the same shape, and `platforms` holds [{digest, platform, referrers}] for the platforms that have any.",
    "A link without a subject field is in no such answer and is left out of it; its number is told on standard error.",
    "A record that names another subject is taken at its word; --scan and --recursive open every manifest.",
  ].join("\n"),
  positionals: { ref: { describe: "LAYOUT:TAG or LAYOUT@DIGEST; the digest need not be in the layout" } },
  options: {
    recursive: { type: "boolean", default: false, describe: "Also those of platforms and of referrers" },
    ...artifactTypeOption,
    ...conventionOption,
    ...scanOption,
    ...archiveOption,
    ...jsonOption,
  },

  async run(args, { io, signal }) {
    const conventions = conventionsOf(args.convention);
    const { layout, reference } = await openReference(args.ref, { maxSize: maxSizeOf(args["max-size"]), signal });
    const snapshot = await layout.index.read();
    const view = await openView(layout, { scan: args.scan, signal, snapshot });
    const { recursive } = args;
    const isWhole = recursive || args.scan;
    const { subject, graph } = await findSubject(layout, snapshot, reference, async (digest) =>
      readGraph(isWhole ? view : focusOn(view, digest), conventions),
    );
    const artifactType = args["artifact-type"];
    warn(io, layoutWarnings(layout, snapshot));
    if (args.json && !recursive) {
      const edges = graph.of(subject.digest).filter((e) => artifactType === undefined || e.artifactType === artifactType);
      const answer = edges.filter((e) => e.link === "S");
      await printPieces({ io, signal }, responsePieces(answer, responseLine));
      noteLeft(io, edges.length - answer.length);
      return EXIT.ok;
    }
    const wanted = { recursive, ...(artifactType !== undefined && { artifactType }) };
    const found = referrersIn(graph, subject.digest, wanted);
    const platforms = recursive && "mediaType" in subject ? await platformsOf(view, graph, subject) : [];
    const below = platforms
      .map(({ digest, platform }) => ({ digest, platform, referrers: referrersIn(graph, digest, wanted) }))
      .filter((p) => p.referrers.length > 0);
    if (args.json) {
      print(io, renderNested(found, platforms.length > 0 ? below : undefined));
      noteLeft(
        io,
        [found, ...below.map((p) => p.referrers)].reduce((sum, list) => sum + withoutSubject(list), 0),
      );
    } else print(io, renderTree(toTree(subject.digest, found, below, await view.has(subject.digest))));
    return EXIT.ok;
  },
});

async function platformsOf(
  view: LayoutView,
  graph: ReferrerGraph,
  subject: Descriptor,
): Promise<{ digest: Digest; platform: string | undefined }[]> {
  const manifest = manifestOf((await view.nodes([subject]))[0]);
  if (manifest === undefined) return [];
  const leaves = await leavesOf(view, referrersOf(graph), manifest, new Set([subject.digest]));
  return leaves.map((d) => ({ digest: d.digest, platform: platformText(d.platform) }));
}

function noteLeft(io: Io, links: number): void {
  if (links > 0) io.stderr.write(`ocilot: note: ${count(links, "link")} without a subject field left out\n`);
}

function withoutSubject(list: readonly Referrer[]): number {
  return list.reduce((sum, r) => sum + (r.link === "N" ? 1 : withoutSubject(r.referrers ?? [])), 0);
}

function toTree(subject: Digest, found: readonly Referrer[], platforms: readonly PlatformReferrers[], isPresent: boolean): TreeNode {
  const isEmpty = found.length + platforms.length === 0;
  const children = [
    ...found.map(toNode),
    ...platforms.map((p) => ({ label: `${p.digest}  ${p.platform ?? "platform unknown"}`, children: p.referrers.map(toNode) })),
  ];
  return {
    label: `${subject}${isPresent ? "" : "  (not in the layout)"}`,
    children: isEmpty ? [{ label: "no referrers", children: [] }] : children,
  };
}

function toNode(r: Referrer): TreeNode {
  const { digest, artifactType } = r.descriptor;
  const conventions = [...new Set(r.evidence.map((e) => e.convention))].join(", ");
  const marks = [
    ...(r.link === "N" ? ["no subject field"] : []),
    ...(r.legacy ? ["legacy manifest type"] : []),
    ...(r.verified ? [] : ["not in the layout or damaged"]),
  ];
  const label = [digest, artifactType || "(no artifact type)", `[${conventions}]`, ...(marks.length > 0 ? [`(${marks.join("; ")})`] : [])];
  return { label: label.join("  "), children: (r.referrers ?? []).map(toNode) };
}
