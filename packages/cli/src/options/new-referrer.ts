import { sniffManifest } from "@ocilot/layout";
import { type NewReferrer, artifactTypeFor, classOfMediaType, layerMediaType } from "@ocilot/referrers";
import { usageError } from "../command-line/usage-error.js";
import type { Io } from "../io.js";
import { annotationsOf } from "./annotation.js";
import { type AttachedFile, openAttachedFile } from "./attached-file.js";
import { createdOf } from "./created.js";
import { readInput } from "./input-file.js";

/** The options that describe a new referrer. */
export interface NewReferrerArguments {
  readonly manifest?: string | undefined;
  readonly "artifact-type"?: string | undefined;
  readonly annotation?: readonly string[] | undefined;
  readonly created?: string | undefined;
}

/** A referrer to be attached, and what was guessed about it. */
export interface DescribedReferrer {
  readonly referrer: NewReferrer;
  readonly notes: readonly string[];
}

const NOTATION_TYPE = "application/vnd.cncf.notary.signature";
const PREDICATE_TYPE = "in-toto.io/predicate-type";
const HINT = "It is the media type of the artifact, such as application/spdx+json.";

/**
 * Returns the referrer that the options and files describe. Without an artifact type the content of the first file decides; a
 * signature gets the form in which its tool finds it.
 * @throws OcilotError `USAGE` where nothing tells the artifact type
 */
export async function newReferrer(args: NewReferrerArguments, texts: readonly string[], io: Io): Promise<DescribedReferrer> {
  if (args.manifest !== undefined) {
    if (texts.length > 0) throw usageError("--manifest and FILE exclude each other", "manifest");
    const bytes = await readInput(args.manifest, io.stdin);
    return { referrer: { manifest: bytes, mediaType: sniffManifest(bytes) }, notes: [] };
  }
  if (texts.filter((text) => text === "-" || text.startsWith("-:")).length > 1)
    throw usageError("standard input can be only one of the files", "file");
  const created = createdOf(args.created, io.env);
  const files: AttachedFile[] = [];
  for (const text of texts) files.push(await openAttachedFile(text, io));
  const [first] = files;
  const given = args["artifact-type"];
  const artifactType = given ?? guessedType(first);
  const common = { ...(created !== undefined && { created }) };
  const notes = notesOf(given, artifactType, first);
  const own = files.length === 1 && first?.whole !== undefined ? signatureForm(artifactType, first.whole) : undefined;
  if (own !== undefined) return { referrer: { ...own, annotations: annotationsOf(args.annotation), ...common }, notes };
  const predicateType = files.length === 1 ? first!.predicateType : undefined;
  return {
    referrer: {
      artifactType,
      layers: files.map(({ source, mediaType, title, guess }) => ({
        source,
        mediaType: mediaType ?? layerMediaType(artifactType, guess, files.length === 1),
        ...(title !== undefined && { title }),
      })),
      annotations: { ...(predicateType !== undefined && { [PREDICATE_TYPE]: predicateType }), ...annotationsOf(args.annotation) },
      ...common,
    },
    notes,
  };
}

/** The form in which the tool that made a signature finds it; undefined for an artifact type that is not of that tool. */
function signatureForm(
  artifactType: string,
  bytes: Uint8Array,
): { sigstoreBundle: Uint8Array } | { notationSignature: Uint8Array } | undefined {
  if (classOfMediaType(artifactType).format === "sigstore-bundle") return { sigstoreBundle: bytes };
  return artifactType === NOTATION_TYPE ? { notationSignature: bytes } : undefined;
}

function guessedType(file: AttachedFile | undefined): string {
  if (file === undefined) throw usageError("--artifact-type is required", "artifact-type", HINT);
  const { guess, path } = file;
  const type = guess === undefined ? undefined : artifactTypeFor(guess);
  if (type !== undefined) return type;
  const why = guess === undefined ? `nothing tells what ${path} is` : `${path} is a ${guess.title}, a format without an artifact type`;
  throw usageError(`--artifact-type is required: ${why}`, "artifact-type", HINT);
}

function notesOf(given: string | undefined, artifactType: string, file: AttachedFile | undefined): string[] {
  if (file?.guess === undefined) return [];
  const { guess, path, predicateType } = file;
  const about = predicateType === undefined || guess.predicateType !== undefined ? "" : ` of ${predicateType}`;
  const name = path === "-" ? "standard input" : path;
  if (given === undefined) return [`${name} is ${guess.title}${about}: artifact type ${artifactType}`];
  const { format } = classOfMediaType(given);
  const isOther = format !== undefined && guess.format !== format && classOfMediaType(artifactTypeFor(guess) ?? "").format !== format;
  return isOther ? [`${name} is ${guess.title}${about}, and is attached as ${given}`] : [];
}
