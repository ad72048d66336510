import { open } from "node:fs/promises";
import { type ArtifactLayer, type ContentGuess, GUESS_BYTES, MAX_ENVELOPE_BYTES, guessContent, readContent } from "@ocilot/referrers";
import type { Io } from "../io.js";
import { openInput } from "./input-file.js";
import { type LayerFile, parseLayerFile } from "./layer-file.js";

/** A file that is to be attached, and what it is by its content. */
export interface AttachedFile extends LayerFile {
  readonly source: ArtifactLayer["source"];
  readonly guess?: ContentGuess;
  /** The predicate type of an attestation, out of whatever envelope it is in. */
  readonly predicateType?: string;
  /** The whole content, of a signature in a form of its own: a sigstore bundle, notation's JWS or COSE. */
  readonly whole?: Uint8Array;
}

const SIGNATURES = ["sigstore-bundle", "notation-jws", "notation-cose"] as const;

/**
 * Opens `FILE[:MEDIATYPE]` and looks at its beginning; of an envelope that is not too large, at the whole.
 * @throws OcilotError `USAGE`, `PATH_NOT_FOUND`
 */
export async function openAttachedFile(text: string, { stdin }: Io): Promise<AttachedFile> {
  const file = parseLayerFile(text);
  const { path } = file;
  const input = path === "-" ? new Restartable(stdin) : undefined;
  if (path !== "-") openInput(path, stdin);
  const read = async (bytes: number): Promise<Uint8Array> => (input === undefined ? await headOf(path, bytes) : await input.head(bytes));
  const guess = guessContent(await read(GUESS_BYTES));
  const isSignature = SIGNATURES.some((format) => format === guess?.format);
  const isEnvelope = isSignature || guess?.format === "dsse" || guess?.predicateType !== undefined;
  const whole = isEnvelope ? await read(MAX_ENVELOPE_BYTES + 1) : undefined;
  const isWhole = whole !== undefined && whole.length <= MAX_ENVELOPE_BYTES;
  const predicateType = isWhole ? readContent(whole, guess!, undefined)?.predicateType : guess?.predicateType;
  return {
    ...file,
    source: input ?? (() => openInput(path, stdin)),
    ...(guess !== undefined && { guess }),
    ...(predicateType !== undefined && { predicateType }),
    ...(isWhole && isSignature && { whole }),
  };
}

async function headOf(path: string, bytes: number): Promise<Uint8Array> {
  const handle = await open(path);
  try {
    const { size } = await handle.stat();
    const buffer = Buffer.alloc(Math.min(bytes, Math.max(size, 64 * 1024)));
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length, null);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return buffer.subarray(0, length);
  } finally {
    await handle.close();
  }
}

/** A stream whose beginning can be looked at before it is read. */
class Restartable implements AsyncIterable<Uint8Array> {
  readonly #rest: AsyncIterator<Uint8Array>;
  readonly #parts: Uint8Array[] = [];
  #length = 0;
  #isDone = false;

  constructor(stream: AsyncIterable<Uint8Array>) {
    this.#rest = stream[Symbol.asyncIterator]();
  }

  /** The first bytes, fewer where there are no more. */
  async head(bytes: number): Promise<Uint8Array> {
    while (this.#length < bytes && !this.#isDone) {
      const { value, done } = await this.#rest.next();
      this.#isDone = done === true;
      if (done === true) break;
      this.#parts.push(value);
      this.#length += value.length;
    }
    return Buffer.concat(this.#parts).subarray(0, bytes);
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    yield* this.#parts;
    while (!this.#isDone) {
      const { value, done } = await this.#rest.next();
      if (done === true) return;
      yield value;
    }
  }
}
