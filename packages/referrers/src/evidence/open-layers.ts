import { type Digest, OcilotError } from "@ocilot/layout/spec";
import { type OpenedContent, openedContent } from "./content.js";
import { signerOfAnnotations } from "./envelopes/simple-signing.js";
import { GUESS_BYTES, guessContent } from "./guess.js";
import { isEnvelope, readContent } from "./read-content.js";
import { type Classification, type Statement, type StatementNote, classOf } from "./statement.js";
import type { BlobPeek, OpenStatementsOptions } from "./wrapping.js";

/** Envelopes above this size are not opened: 32 MiB, unless the caller says otherwise. */
export const MAX_ENVELOPE_BYTES: number = 32 * 1024 * 1024;

/** Opens the layers of classifications that are envelopes, whole. A blob that several layers name is read once. */
export async function openEnvelopes(
  claims: readonly Classification[],
  blobs: BlobPeek,
  options: OpenStatementsOptions,
): Promise<readonly Statement[]> {
  return await openEach(claims, async (claimed) => await openWhole(claimed, blobs, options));
}

/** Opens layers of which nobody knows whether they are envelopes: only the first bytes of a plain document are read. */
export async function openDocuments(
  claims: readonly Classification[],
  blobs: BlobPeek,
  options: OpenStatementsOptions,
): Promise<readonly Statement[]> {
  return await openEach(claims, async (claimed) => {
    const layer = claimed.layer!;
    if (claimed.format === "notation-cose") return await openWhole(claimed, blobs, options);
    const head = await blobs.head(layer, GUESS_BYTES);
    if (head instanceof OcilotError) return unread(head);
    const guess = guessContent(head);
    if (guess === undefined) return openedContent({ ...classOf(claimed) });
    return isEnvelope(guess) ? await openWhole(claimed, blobs, options) : openedContent(classOf(guess));
  });
}

async function openEach(
  claims: readonly Classification[],
  open: (claimed: Classification) => Promise<OpenedContent | StatementNote>,
): Promise<readonly Statement[]> {
  const opened = claims.length > 1 ? new Map<Digest, Omit<OpenedContent, "document"> | StatementNote>() : undefined;
  const statements: Statement[] = [];
  for (const claimed of claims) {
    const digest = claimed.layer?.digest;
    if (digest === undefined) {
      statements.push({ ...claimed, subjects: [], subjectCount: 0, steps: [], notes: [] });
      continue;
    }
    const content = opened?.get(digest) ?? withoutDocument(await open(claimed));
    opened?.set(digest, content);
    statements.push(statementOf(claimed, content));
  }
  return statements;
}

/** The documents of many layers are not to be in memory at once. */
function withoutDocument(opened: OpenedContent | StatementNote): Omit<OpenedContent, "document"> | StatementNote {
  if ("code" in opened) return opened;
  const { document: _, ...content } = opened;
  return content;
}

async function openWhole(claimed: Classification, blobs: BlobPeek, options: OpenStatementsOptions): Promise<OpenedContent | StatementNote> {
  const { maxBytes = MAX_ENVELOPE_BYTES, subject } = options;
  const layer = claimed.layer!;
  if (layer.size > maxBytes)
    return { code: "TOO_LARGE", message: `${layer.digest} has ${layer.size} bytes; envelopes are opened up to ${maxBytes}` };
  const bytes = await blobs.bytes(layer, maxBytes);
  if (bytes instanceof OcilotError) return unread(bytes);
  const found = readContent(bytes, claimed, subject);
  return (
    found ?? { code: "MALFORMED", message: `${layer.digest} has the media type ${layer.mediaType}, but its content has another format` }
  );
}

function unread(error: OcilotError): StatementNote {
  return { code: "UNREADABLE", message: error.message };
}

/** What the content says weighs more than what the manifest says of it. */
function statementOf(claimed: Classification, opened: Omit<OpenedContent, "document"> | StatementNote): Statement {
  const signer = signerOfAnnotations(claimed.layer?.annotations);
  if ("code" in opened) {
    return { ...claimed, subjects: [], subjectCount: 0, steps: [], notes: [opened], ...(signer !== undefined && { signer }) };
  }
  const { notes, ...content } = opened;
  // An envelope that could not be opened is what it was said to be. License texts and sources are what the artifact type makes
  // of them, whichever format they have.
  const isUnopened = content.kind === "attestation" && content.predicateType === undefined && claimed.kind !== "other";
  const isKept = claimed.kind === "license" || claimed.kind === "source";
  const isSigned = content.signer !== undefined || signer !== undefined;
  const { wrapping, layer, predicateType } = claimed;
  return {
    wrapping,
    ...(layer !== undefined && { layer }),
    ...(predicateType !== undefined && { predicateType }),
    ...content,
    ...(isUnopened && classOf(claimed)),
    ...(isKept && { kind: claimed.kind }),
    ...(isSigned && { signer: { hasLogEntry: false, hasTimestamp: false, ...content.signer, ...signer } }),
    notes: [...notes, ...differences(claimed, content)],
  };
}

function differences(claimed: Classification, content: Omit<OpenedContent, "document" | "notes">): StatementNote[] {
  const notes: StatementNote[] = [];
  const say = (message: string): void => void notes.push({ code: "FORMAT_DIFFERS", message });
  const { predicateType } = content;
  if (claimed.predicateType !== undefined && predicateType !== undefined && claimed.predicateType !== predicateType)
    say(`annotations call it ${claimed.predicateType}, and it is ${predicateType}`);
  else if (isSpecific(claimed) && isSpecific(content) && claimed.format !== content.format)
    say(`it is described as ${claimed.format}, and is ${content.format}`);
  return notes;
}

/** An envelope may hold any format, so its own says nothing of what is inside. */
function isSpecific({ format }: { readonly format?: string }): boolean {
  return format !== undefined && format !== "dsse" && format !== "in-toto" && format !== "sigstore-bundle";
}
