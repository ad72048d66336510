import type { Digest } from "@ocilot/layout/spec";
import { type OpenedContent, openedContent, strictText } from "./content.js";
import { readDsse } from "./envelopes/dsse.js";
import { readInToto } from "./envelopes/in-toto.js";
import { readNotationCose } from "./envelopes/notation-cose.js";
import { readNotationJws } from "./envelopes/notation-jws.js";
import { readSigstoreBundle } from "./envelopes/sigstore-bundle.js";
import { readSimpleSigning } from "./envelopes/simple-signing.js";
import { type ContentGuess, guessContent } from "./guess.js";
import { type StatementClass, classOf } from "./statement.js";

type ReadText = (text: string, expected: Digest | undefined) => OpenedContent;

const READERS: Partial<Record<NonNullable<StatementClass["format"]>, ReadText>> = {
  "sigstore-bundle": readSigstoreBundle,
  dsse: readDsse,
  "cosign-simple-signing": readSimpleSigning,
  "notation-jws": readNotationJws,
};

/**
 * What whole content is, with everything that it is wrapped in; undefined where it is nothing that ocilot knows.
 * @param expected what it is attached to
 * @example
 * ```ts
 * import { readFile } from "node:fs/promises";
 * import { readContent } from "@ocilot/referrers";
 *
 * console.log(readContent(await readFile("./sbom.spdx.json"), { kind: "other" }, undefined));
 * ```
 */
export function readContent(bytes: Uint8Array, claimed: StatementClass, expected: Digest | undefined): OpenedContent | undefined {
  const guess = guessContent(bytes);
  if (claimed.format === "notation-cose" || guess?.format === "notation-cose") return readNotationCose(bytes, expected);
  if (guess === undefined) return undefined;
  const read = readerOf(guess);
  if (read === undefined) return openedContent(classOf(guess));
  const text = strictText(bytes);
  if (text !== undefined) return read(text, expected);
  return openedContent({ ...classOf(guess), notes: [{ code: "MALFORMED", message: "it is not UTF-8" }] });
}

/** Tells whether a document is an envelope, and so has to be read whole. */
export function isEnvelope(guess: ContentGuess): boolean {
  return guess.format === "notation-cose" || readerOf(guess) !== undefined;
}

/** What reads an envelope of that form; undefined for a plain document. */
function readerOf(guess: ContentGuess): ReadText | undefined {
  return guess.mediaType === "application/vnd.in-toto+json" ? readInToto : READERS[guess.format!];
}
