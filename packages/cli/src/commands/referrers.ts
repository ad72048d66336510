import {
  type ReferrerEdge,
  ReferrerGraph,
  isOpenFilter,
  matchesStatement,
  openView,
  readGraph,
  readSubject,
  referrersIn,
  resolveReferrers,
} from "@ocilot/referrers";
import { type Command, defineCommand } from "../command-line/define-command.js";
import { EXIT } from "../exit-code.js";
import { findSubject } from "../reference/find-subject.js";
import { namedPlatforms } from "../images/named-platforms.js";
import { writePieces } from "../io.js";
import { artifactTypeOption, typeFilter } from "../options/artifact-type.js";
import { conventionIds, conventionOption } from "../options/convention.js";
import { archiveOption, maxSizeOf } from "../options/archive.js";
import { formatOf, formatOptions } from "../options/format.js";
import { jsonOption } from "../options/json.js";
import { scanOption } from "../options/scan.js";
import { platformOption } from "../options/platform.js";
import { statementFilter, statementOptions } from "../options/statement.js";
import { registryOptions, registrySettings } from "../options/registry.js";
import { openReference } from "../reference/open-layout.js";
import { renderFields } from "../render/fields.js";
import { escapeJson } from "../render/json.js";
import { nestedJson, referrersJson } from "../render/referrers-json.js";
import { REFERRER_FIELDS, type ReferrerList, referrerRows, referrerTable, referrerTree } from "../render/referrers.js";
import { layoutWarnings } from "../images/layout-warnings.js";

export const command: Command = defineCommand({
  name: "referrers",
  aliases: ["discover", "tree"],
  group: "Read",
  describe: "List what refers to an image: signatures, SBOMs, attestations",
  usage:
    "referrers REF [--recursive] [--kind KIND,...] [--artifact-type TYPE] [--convention C]... [--verify-links] [--format FORMAT] [--json]",
  examples: [
    ["ocilot referrers ./layout:v1 --recursive", "what refers to the image, to its platforms and to its referrers"],
    ["ocilot referrers ./layout:v1 --kind signature,sbom", "signatures and SBOMs only, in whatever envelope"],
    ["ocilot referrers ./layout:v1 --json --predicate-type 'https://slsa.dev/*'", "provenance, in the form of the Referrers API"],
    ["ocilot referrers ./layout:v1 --recursive --fields digest,kind,platform", "one line per referrer, for a script"],
  ],
  notes: [
    "KIND and FORMAT come from the manifest, and from the content only where the manifest does not tell. No signature is verified. With --recursive, what refers to a referrer that a filter leaves out is left out too.",
    "--json prints an image index, as the Referrers API of a registry does, with two more members: `withoutSubject` holds the links that have no `subject` field and how they are recorded, `statements` what each referrer states. With --recursive each descriptor has an array `referrers` of the same form, and `platforms` holds [{digest, platform, referrers}] for platforms that have any. The schema is schema/referrers.schema.json of the package ocilot.",
    "Manifests already indexed under another subject are not read again; use --scan or --recursive to read all.",
    'A list with more than 256 referrers (regclient, olareg, universal, an answer of a registry) is taken at its word, as clients of a registry take it: its digest is checked and its manifests are not opened, unless it does not tell their kind. They have the remark `not opened`, in --json `"verified": false`, and FORMAT and layer only as far as the list tells. --verify-links opens them all, and so do --scan, --recursive, --kind and --predicate-type; `ocilot verify` finds a list that is wrong.',
  ],
  seeAlso: ["extract", "cat"],
  positionals: { ref: { complete: "reference", describe: "LAYOUT:TAG or LAYOUT@DIGEST; the digest need not be in the layout" } },
  options: {
    recursive: { type: "boolean", alias: "r", describe: "Also the referrers of platforms and of referrers" },
    ...platformOption,
    kind: statementOptions.kind,
    "predicate-type": statementOptions["predicate-type"],
    ...artifactTypeOption,
    ...conventionOption,
    "verify-links": { type: "boolean", describe: "Open every manifest, also those of lists with more than 256 referrers" },
    ...scanOption,
    ...archiveOption,
    ...formatOptions(Object.keys(REFERRER_FIELDS), "tree"),
    ...registryOptions,
    ...jsonOption,
  },

  async run(args, { io, out, signal }) {
    const conventions = conventionIds(args.convention);
    const { layout, reference } = await openReference(args.ref, {
      maxSize: maxSizeOf(args["max-size"]),
      registry: registrySettings(args, io.env),
      signal,
    });
    const snapshot = await layout.index.read();
    const view = await openView(layout, { scan: args.scan, signal, snapshot });
    const { recursive } = args;
    const isWhole = recursive || args.scan;
    // --format is how this command prints.
    const filter = statementFilter({ kind: args.kind, "predicate-type": args["predicate-type"] });
    // A list does not tell all that these filters ask for.
    const opensAll = args["verify-links"] || !isOpenFilter(filter);
    const { subject, graph } = await findSubject(layout, { snapshot, reference, platform: args.platform, signal }, async (digest) =>
      isWhole ? readGraph(view, conventions) : readSubject(view, digest, { conventions, ...(opensAll && { verifyUpTo: Infinity }) }),
    );
    const all = recursive ? graph.edges() : graph.of(subject.digest);
    const statements = await resolveReferrers(view, all, layout.blobs, { signal });
    const hasType = typeFilter(args["artifact-type"]);
    const isShown = ({ artifactType, referrer }: ReferrerEdge): boolean =>
      hasType(artifactType) && (isOpenFilter(filter) || (statements.get(referrer.digest) ?? []).some((s) => matchesStatement(s, filter)));
    const format = formatOf(args, "tree");
    out.warn(layoutWarnings(layout, snapshot));
    if (format === "json" && !recursive) {
      await writePieces(io.stdout, escaped(referrersJson(all.filter(isShown), statements)), signal);
      return EXIT.ok;
    }
    const shown = recursive ? graph.filter(isShown) : new ReferrerGraph(all.filter(isShown));
    const platforms = recursive && "mediaType" in subject ? await namedPlatforms(layout, view, graph, subject) : [];
    const list: ReferrerList = {
      subject: subject.digest,
      isPresent: await view.has(subject.digest),
      found: referrersIn(shown, subject.digest, { recursive }),
      platforms: platforms
        .map(({ digest, platform }) => ({ digest, platform, referrers: referrersIn(shown, digest, { recursive }) }))
        .filter((p) => p.referrers.length > 0),
      statements,
      nothing: nothingText(args, [graph.of(subject.digest), ...platforms.map((p) => graph.of(p.digest))].flat().length),
    };
    if (args.fields !== undefined) for (const line of renderFields(referrerRows(list), args.fields, REFERRER_FIELDS)) out.print(line);
    else if (format === "json") await writePieces(io.stdout, escaped(nestedJson(list)), signal);
    else out.print(format === "table" ? referrerTable(list, (text) => out.style("bold", text)) : referrerTree(list));
    return EXIT.ok;
  },
});

interface Filters {
  readonly kind?: readonly string[] | undefined;
  readonly "predicate-type"?: string | undefined;
  readonly "artifact-type"?: string | undefined;
}

/** Says that nothing was found, and how much the filters left out. */
function nothingText({ kind, "predicate-type": predicateType, "artifact-type": artifactType }: Filters, others: number): string {
  const wanted = [
    ...(kind === undefined || kind.length === 0 ? [] : [`of kind ${kind.join(" or ")}`]),
    ...(predicateType === undefined ? [] : [`of predicate type ${predicateType}`]),
    ...(artifactType === undefined ? [] : [`of type ${artifactType}`]),
  ];
  if (wanted.length === 0 || others === 0) return "no referrers";
  const what = kind === undefined && predicateType === undefined ? `${others} of other types` : `${others} others`;
  return `no referrers ${wanted.join(", ")} (${what})`;
}

function* escaped(pieces: Iterable<string>): Iterable<string> {
  for (const piece of pieces) yield escapeJson(piece);
}
