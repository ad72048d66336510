import { type Descriptor, splitDigest } from "@ocilot/layout/spec";
import { type Backoff, isPassingStatus } from "../transport/backoff.js";
import { networkError, readRefusal } from "../transport/errors.js";
import type { HttpResponse } from "../transport/exchange.js";
import { MAX_ERROR_BYTES } from "../transport/transport.js";
import { headBlob } from "./blob-requests.js";
import type { Call, Caller, Place } from "./caller.js";
import { corrupt } from "./checks.js";
import { digestHeader } from "./headers.js";
import type { PushBlobOptions, PushBlobResult, ReplayableSource } from "./types.js";
import { sliceBody } from "./upload-body.js";
import { UploadForm } from "./upload-form.js";
import { UploadSessions } from "./upload-sessions.js";
import { type UploadSession, closingUrl, sessionUrl } from "./upload-session.js";

/** How often a session that the registry dropped is replaced by a new one. */
const MAX_RESTARTS = 3;
/** So many more bytes must have been stored for the retry budget to be restored. */
const PROGRESS_BYTES = 64 * 1024;
/** Statuses with which registries refuse a single PUT, or chunks. */
const WRONG_FORM: ReadonlySet<number> = new Set([400, 405, 411, 413, 416, 501]);

/** A failed request of an upload; `words` is the body of the error response. */
interface Failure {
  readonly cause: HttpResponse | Error;
  readonly words: Uint8Array;
  /** Whether the registry may have received the whole blob. */
  readonly isWhole: boolean;
}

/** The outcome of one request. */
type Step = { readonly session: UploadSession } | { readonly failure: Failure } | "done";

/** @see RepositoryClient.pushBlob */
export async function pushBlob(caller: Caller, d: Descriptor, source: ReplayableSource, options: PushBlobOptions): Promise<PushBlobResult> {
  const place = await caller.origin();
  return new Upload(caller, { place, d, source, options }).run();
}

/** The upload of one blob, over any number of sessions. */
class Upload {
  readonly #caller: Caller;
  readonly #place: Place;
  readonly #d: Descriptor;
  readonly #source: ReplayableSource;
  readonly #options: PushBlobOptions;
  readonly #signal: AbortSignal | undefined;
  readonly #backoff: Backoff;
  readonly #form: UploadForm;
  readonly #sessions: UploadSessions;
  #restarts = 0;
  #damaged = 0;
  #closings = 0;
  #sent = 0;
  /** The most bytes that the registry has stored so far: only more than that counts as progress. */
  #best = 0;
  /** Bytes reported to `onBytes` in this session. */
  #reported = 0;

  constructor(
    caller: Caller,
    { place, d, source, options }: { place: Place; d: Descriptor; source: ReplayableSource; options: PushBlobOptions },
  ) {
    this.#caller = caller;
    this.#place = place;
    this.#d = d;
    this.#source = source;
    this.#options = options;
    this.#signal = options.signal;
    this.#backoff = caller.transport.backoff();
    this.#form = new UploadForm(d.size, caller.refusedForms);
    this.#sessions = new UploadSessions(caller, { place, d, form: this.#form, options });
  }

  async run(): Promise<PushBlobResult> {
    const resumed = await this.#sessions.resume(this.#options.session);
    if (resumed !== undefined) this.#report(resumed.received);
    const begun = resumed ?? (await this.#sessions.mount(this.#options.mountFrom));
    if (begun === "mounted") return { how: "mounted", sentBytes: 0 };
    for (let session = begun; ;) {
      session ??= await this.#sessions.start(this.#backoff);
      const step = await this.#send(session);
      if (step === "done") break;
      const next: UploadSession | "stored" | undefined = "session" in step ? step.session : await this.#recover(session, step.failure);
      if (next === "stored") break;
      if (next === undefined) this.#report(-this.#reported);
      session = next;
    }
    return { how: "uploaded", sentBytes: this.#sent };
  }

  /** Sends the next request of a session: the content or a part of it, or the closing PUT. */
  async #send(session: UploadSession): Promise<Step> {
    const { size, digest } = this.#d;
    const start = session.received;
    const { method, end, hasRange } = this.#form.next(start, size);
    const isClosing = method === "PUT";
    const operation = `upload ${digest}`;
    let passed = 0;
    let isOver = false;
    const onBytes = (count: number): void => {
      if (isOver) return;
      passed += count;
      this.#sent += count;
      this.#report(count);
    };
    const call: Call = {
      operation,
      method,
      target: isClosing ? closingUrl(session.url, digest) : session.url,
      actions: ["pull", "push"],
      headers: {
        "content-type": "application/octet-stream",
        "content-length": String(end - start),
        ...(hasRange && { "content-range": `${start}-${end - 1}` }),
      },
      body: await sliceBody(this.#source, { start, end, onBytes, holdBack: this.#sessions.roundTrip }),
      signal: this.#signal,
    };
    const outcome = await this.#caller.attempt(this.#place, call).catch((error: Error) => error);
    isOver = true;
    if (outcome instanceof Error || outcome.status >= 300) {
      const words = outcome instanceof Error ? new Uint8Array() : await wordsOf(outcome);
      return { failure: { cause: outcome, words, isWhole: isClosing && passed >= end - start } };
    }
    outcome.body.discard();
    // With a renewed token the part was sent a second time.
    this.#report(end - start - passed);
    if (isClosing) {
      this.#checkDigest(outcome);
      return "done";
    }
    this.#progress(end);
    // Registries disagree on `Range` after a chunk (ECR, Aliyun): a chunk that was taken was taken whole.
    const url = sessionUrl(this.#caller, this.#place, { answer: outcome, before: session.url, operation });
    // The address may hold how much there is (docker-registry), and then only the newest one continues the upload.
    this.#options.onSession?.(url.href);
    return { session: { ...session, url, received: end } };
  }

  /** Returns the session to continue, or undefined for a new one. */
  async #recover(session: UploadSession, failure: Failure): Promise<UploadSession | "stored" | undefined> {
    const { cause, isWhole } = failure;
    if (!(cause instanceof Error) && !isPassingStatus(cause.status)) return this.#refusal(session, { ...failure, cause });
    if (!(await this.#backoff.next(cause, this.#signal))) throw this.#error(failure);
    // The upload may have succeeded and only the response been lost.
    if (isWhole && (await headBlob(this.#caller, this.#d.digest, { signal: this.#signal })) !== undefined) return "stored";
    // Of an empty closing PUT nothing can have arrived in part.
    if (session.received === this.#d.size && session.received > 0 && ++this.#closings === 1) return session;
    const held = await this.#sessions.status(session.url);
    // A rate limit says nothing about the size of the content.
    const isBusy = !(cause instanceof Error) && (cause.status === 429 || cause.status === 503);
    if ((held?.received ?? 0) === 0 && !isBusy) this.#form.broke();
    // Less than what was acknowledged: the reported range of this registry is unreliable.
    if (held === undefined || held.received < session.received) return held && this.#sessions.cancel(session);
    this.#progress(held.received);
    this.#report(held.received - this.#reported);
    return { ...session, ...held };
  }

  /** As {@link Upload.#recover}, after a status that a retry does not change. */
  async #refusal(session: UploadSession, failure: Failure & { readonly cause: HttpResponse }): Promise<UploadSession | undefined> {
    const {
      cause: { status },
      words,
    } = failure;
    const { code = "" } = readRefusal(words);
    const isGone = status === 404 || status === 410 || code === "BLOB_UPLOAD_UNKNOWN" || code === "BLOB_UPLOAD_INVALID";
    if (isGone && ++this.#restarts <= MAX_RESTARTS) return undefined;
    const isChunk = session.received > 0 || this.#form.form === "chunks";
    if (isChunk && (status === 413 || status === 416) && this.#form.shrink()) {
      const held = await this.#sessions.status(session.url);
      if (held === undefined) return undefined;
      this.#report(held.received - this.#reported);
      return held.received === session.received ? { ...session, ...held } : this.#sessions.cancel(session);
    }
    if (code === "DIGEST_INVALID") {
      // Damaged on the way, or put together wrongly by the registry: once more, in another form if there was more than one request.
      if (++this.#damaged > 1) throw this.#error(failure);
      if (isChunk) this.#form.giveUp();
      return this.#sessions.cancel(session);
    }
    const isContinued = session.received > 0 && this.#form.form !== "chunks" && ++this.#restarts <= MAX_RESTARTS;
    const mayHelp = isContinued || ((isGone || WRONG_FORM.has(status)) && this.#form.refuse());
    if (!mayHelp) throw this.#error(failure);
    return this.#sessions.cancel(session);
  }

  #progress(received: number): void {
    if (received < this.#best + Math.min(PROGRESS_BYTES, this.#d.size)) return;
    this.#best = received;
    this.#backoff.progressed();
  }

  #report(count: number): void {
    if (count === 0) return;
    this.#reported += count;
    this.#options.onBytes?.(count);
  }

  #checkDigest(answer: HttpResponse): void {
    const { digest } = this.#d;
    const stored = digestHeader(answer, "docker-content-digest");
    if (stored === undefined || splitDigest(stored).algorithm !== splitDigest(digest).algorithm || stored === digest) return;
    throw corrupt(digest, stored, this.#caller.host);
  }

  #error({ cause, words }: Failure): Error {
    const operation = `upload ${this.#d.digest}`;
    if (cause instanceof Error) return networkError(cause, this.#caller.label(operation), this.#backoff.attempts);
    return this.#caller.refused({ status: cause.status, bytes: words }, { operation, backoff: this.#backoff });
  }
}

async function wordsOf(answer: HttpResponse): Promise<Uint8Array> {
  return (await answer.body.bytes(MAX_ERROR_BYTES).catch(() => undefined)) ?? new Uint8Array();
}
