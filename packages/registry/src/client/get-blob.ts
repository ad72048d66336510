import { OcilotError } from "@ocilot/layout/spec";
import type { Descriptor } from "@ocilot/layout/spec";
import type { Backoff } from "../transport/backoff.js";
import { invalidResponse, networkError } from "../transport/errors.js";
import type { HttpResponse } from "../transport/exchange.js";
import type { ResponseBody } from "../transport/response-body.js";
import type { Caller, Place } from "./caller.js";
import { blobNotFound, corrupt, digestLike, hasherFor, sizeMismatch } from "./checks.js";
import { contentLength, contentRange } from "./headers.js";
import type { GetBlobOptions, OperationOptions } from "./types.js";

/** So many bytes must arrive for the retry budget to be restored. */
const PROGRESS_BYTES = 64 * 1024;
const DEFAULT_MAX_BYTES: number = 8 * 1024 * 1024;

/** @see RepositoryClient.getBlob */
export async function* getBlob(
  caller: Caller,
  d: Descriptor,
  { offset = 0, onBytes, verify = true, signal }: GetBlobOptions & { readonly offset?: number },
): AsyncGenerator<Uint8Array, void, undefined> {
  const hasher = verify && offset === 0 ? hasherFor(d.digest) : undefined;
  for await (const chunks of blobBatches(caller, d, { offset, signal })) {
    for (const chunk of chunks) {
      hasher?.update(chunk);
      onBytes?.(chunk.length);
      yield chunk;
    }
  }
  const found = hasher?.digest();
  if (found !== undefined && found !== d.digest) throw corrupt(d.digest, found, caller.host);
}

/** @see RepositoryClient.getBlobBytes */
export async function getBlobBytes(
  caller: Caller,
  d: Descriptor,
  { maxBytes = DEFAULT_MAX_BYTES, signal }: OperationOptions & { readonly maxBytes?: number },
): Promise<Uint8Array> {
  if (d.size > maxBytes) {
    throw new OcilotError("LIMIT_EXCEEDED", `${d.digest}: ${d.size} bytes are over the limit of ${maxBytes}`, {
      what: "blob size",
      limit: maxBytes,
      found: d.size,
    });
  }
  for (let attempt = 1; ; attempt++) {
    const all: Uint8Array[] = [];
    for await (const chunks of blobBatches(caller, d, { offset: 0, signal })) all.push(...chunks);
    const bytes = Buffer.concat(all, d.size);
    const found = digestLike(d.digest, bytes);
    if (found === d.digest) return bytes;
    // It may have been damaged in transit: retry once.
    if (attempt === 2) throw corrupt(d.digest, found, caller.host);
  }
}

interface ReceiveOptions {
  readonly offset: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * The content of a blob from `offset` on, in batches as they came from the socket, of the size that the descriptor says but not hashed.
 * After a broken connection it resumes with `Range`; if the registry ignores that, the part already received is skipped.
 */
async function* blobBatches(
  caller: Caller,
  d: Descriptor,
  options: ReceiveOptions,
): AsyncGenerator<readonly Uint8Array[], void, undefined> {
  const reception = new Reception(caller, d, options);
  for (;;) {
    const body = await reception.open();
    try {
      for (;;) {
        const outcome = await body.batch().catch((error: Error) => error);
        if (outcome instanceof Error) {
          await reception.broke(outcome);
          break;
        }
        if (outcome === undefined) return reception.ended();
        const chunks = outcome.map((chunk) => reception.accept(chunk)).filter((chunk) => chunk.length > 0);
        if (chunks.length > 0) yield chunks;
      }
    } finally {
      body.discard();
    }
  }
}

/**
 * As {@link blobBatches}, but each chunk is given to `take` when it arrives, without a copy. It is valid only during that call.
 * @throws what `take` throws
 */
export async function receiveBlob(
  caller: Caller,
  d: Descriptor,
  { take, ...options }: ReceiveOptions & { readonly take: (chunk: Uint8Array) => void },
): Promise<void> {
  const reception = new Reception(caller, d, options);
  for (;;) {
    const body = await reception.open();
    const failure = await body
      .pass((chunk) => {
        const fresh = reception.accept(chunk);
        if (fresh.length > 0) take(fresh);
      })
      .catch((error: Error) => error);
    if (failure === undefined) return reception.ended();
    await reception.broke(failure);
  }
}

/** How far a blob has been received, over any number of responses. */
class Reception {
  readonly #caller: Caller;
  readonly #d: Descriptor;
  readonly #signal: AbortSignal | undefined;
  readonly #backoff: Backoff;
  #place: Place | undefined;
  #at: number;
  /** Where the current response began. */
  #kept: number;
  /** Bytes of the current response that are here already. */
  #skip = 0;

  constructor(caller: Caller, d: Descriptor, { offset, signal }: ReceiveOptions) {
    this.#caller = caller;
    this.#d = d;
    this.#signal = signal;
    this.#backoff = caller.transport.backoff();
    this.#at = offset;
    this.#kept = offset;
  }

  /** The body of a response that has the rest. */
  async open(): Promise<ResponseBody> {
    const options = { at: this.#at, place: this.#place, backoff: this.#backoff, signal: this.#signal };
    const { place, start, answer } = await open(this.#caller, this.#d, options);
    this.#place = place;
    this.#skip = this.#at - start;
    return answer.body;
  }

  /** Returns what is new of a chunk. @throws OcilotError `SIZE_MISMATCH` if it is more than the descriptor says */
  accept(chunk: Uint8Array): Uint8Array {
    const fresh = this.#skip > 0 ? chunk.subarray(Math.min(this.#skip, chunk.length)) : chunk;
    this.#skip -= chunk.length - fresh.length;
    this.#at += fresh.length;
    if (this.#at > this.#d.size) throw sizeMismatch(this.#d, this.#at, this.#caller.host);
    return fresh;
  }

  /** Waits until the next attempt is due. @throws the error if there is none */
  async broke(error: Error): Promise<void> {
    if (this.#at - this.#kept >= PROGRESS_BYTES) this.#backoff.progressed();
    this.#kept = this.#at;
    if (await this.#backoff.next(error, this.#signal)) return;
    throw networkError(error, this.#caller.label(`get blob ${this.#d.digest}`), this.#backoff.attempts);
  }

  ended(): void {
    if (this.#at !== this.#d.size) throw sizeMismatch(this.#d, this.#at, this.#caller.host);
  }
}

interface Opened {
  readonly place: Place;
  readonly answer: HttpResponse;
  /** The position of the first byte of the body. */
  readonly start: number;
}

async function open(
  caller: Caller,
  d: Descriptor,
  { at, place, backoff, signal }: { at: number; place: Place | undefined; backoff: Backoff; signal: AbortSignal | undefined },
): Promise<Opened> {
  if (place !== undefined) return openAt(caller, d, { at, place, backoff, signal });
  for (const mirror of await caller.mirrors()) {
    const opened = await openAt(caller, d, { at, place: mirror, backoff: caller.transport.backoff(), signal }).catch((error: Error) =>
      caller.mirrorFailed(mirror, error),
    );
    if (opened !== undefined) return opened;
  }
  return openAt(caller, d, { at, place: await caller.origin(), backoff, signal });
}

async function openAt(
  caller: Caller,
  d: Descriptor,
  { at, place, backoff, signal }: { at: number; place: Place; backoff: Backoff; signal: AbortSignal | undefined },
): Promise<Opened> {
  const operation = `get blob ${d.digest}`;
  let from = at;
  for (;;) {
    const range: Record<string, string> = from > 0 ? { range: `bytes=${from}-` } : {};
    const call = { operation, method: "GET", target: `/blobs/${d.digest}`, actions: ["pull"], headers: range, signal } as const;
    const outcome = await caller.attempt(place, call).catch((error: Error) => error);
    if (!(outcome instanceof Error) && (outcome.status === 200 || outcome.status === 206)) {
      return { place, answer: outcome, start: checkedStart(caller, d, { answer: outcome, from, operation }) };
    }
    if (!(outcome instanceof Error) && outcome.status === 416 && from > 0) {
      outcome.body.discard();
      from = 0;
      continue;
    }
    if (await backoff.next(outcome, signal)) {
      if (!(outcome instanceof Error)) outcome.body.discard();
      continue;
    }
    if (outcome instanceof Error) throw networkError(outcome, caller.label(operation), backoff.attempts);
    if (outcome.status === 404) {
      outcome.body.discard();
      throw blobNotFound(d.digest, `${caller.host}/${caller.repository}`);
    }
    throw await caller.rejected(outcome, { operation, backoff });
  }
}

function checkedStart(
  caller: Caller,
  d: Descriptor,
  { answer, from, operation }: { answer: HttpResponse; from: number; operation: string },
): number {
  try {
    const length = contentLength(answer);
    if (answer.status === 200) {
      if (length !== undefined && length !== d.size) throw sizeMismatch(d, length, caller.host);
      return 0;
    }
    const range = contentRange(answer);
    if (from === 0 || range?.first !== from) throw invalidResponse(caller.label(operation), "the response is not the requested range");
    if (range.total !== undefined && range.total !== d.size) throw sizeMismatch(d, range.total, caller.host);
    return from;
  } catch (error) {
    answer.body.discard();
    throw error;
  }
}
