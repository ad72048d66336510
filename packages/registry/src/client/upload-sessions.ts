import type { Descriptor } from "@ocilot/layout/spec";
import type { Backoff } from "../transport/backoff.js";
import { networkError } from "../transport/errors.js";
import type { Caller, Place } from "./caller.js";
import { requestMount } from "./mount-blob.js";
import type { PushBlobOptions } from "./types.js";
import { hasStaleRange } from "./stale-range.js";
import type { UploadForm } from "./upload-form.js";
import { type UploadSession, cancelSession, newSession, readStatus, savedUrl, startCall } from "./upload-session.js";

/** Starts, resumes and cancels the sessions of one upload. */
export class UploadSessions {
  readonly #caller: Caller;
  readonly #place: Place;
  readonly #d: Descriptor;
  readonly #form: UploadForm;
  readonly #options: PushBlobOptions;
  /** Twice the time that the registry took to begin the last session, in milliseconds. */
  roundTrip: number | undefined;

  constructor(caller: Caller, { place, d, form, options }: { place: Place; d: Descriptor; form: UploadForm; options: PushBlobOptions }) {
    this.#caller = caller;
    this.#place = place;
    this.#d = d;
    this.#form = form;
    this.#options = options;
  }

  /** The session of an earlier process, if it still exists and has content. */
  async resume(location: string | undefined): Promise<UploadSession | undefined> {
    const url = location === undefined ? undefined : savedUrl(location, this.#place);
    const held = url === undefined ? undefined : await this.status(url);
    return held === undefined || held.received > 0 ? held : this.cancel(held);
  }

  /** Requests a mount; returns the upload session if the registry offers one instead. */
  async mount(from: string | undefined): Promise<UploadSession | "mounted" | undefined> {
    if (from === undefined) return undefined;
    const session = await requestMount(this.#caller, this.#place, { digest: this.#d.digest, from, signal: this.#options.signal });
    return session === undefined || session === "mounted" ? session : this.#adopt(session);
  }

  /** @throws OcilotError `REGISTRY_REFUSED`, `NETWORK_ERROR`, and what {@link Caller.attempt} throws */
  async start(backoff: Backoff): Promise<UploadSession> {
    const { signal } = this.#options;
    const call = startCall(this.#d.digest, { from: undefined, signal });
    for (;;) {
      const begun = performance.now();
      const outcome = await this.#caller.attempt(this.#place, call).catch((error: Error) => error);
      this.roundTrip = 2 * (performance.now() - begun);
      if (!(outcome instanceof Error) && (outcome.status === 202 || outcome.status === 201)) {
        outcome.body.discard();
        return this.#adopt(newSession(this.#caller, this.#place, { answer: outcome, operation: call.operation }));
      }
      if (await backoff.next(outcome, signal)) {
        if (!(outcome instanceof Error)) outcome.body.discard();
        continue;
      }
      if (outcome instanceof Error) throw networkError(outcome, this.#caller.label(call.operation), backoff.attempts);
      throw await this.#caller.rejected(outcome, { operation: call.operation, backoff });
    }
  }

  /** What the registry has stored; undefined where the session is gone. One whose report is unreliable is cancelled. */
  async status(url: URL): Promise<UploadSession | undefined> {
    const held = await readStatus(this.#caller, this.#place, { url, signal: this.#options.signal });
    const isReliable = held === undefined || (held.received <= this.#d.size && !hasStaleRange(this.#place.endpoint.url.hostname));
    return isReliable ? held : this.cancel(held);
  }

  async cancel({ url }: UploadSession): Promise<undefined> {
    await cancelSession(this.#caller, this.#place, { url, signal: this.#options.signal });
  }

  /** Records a new session and its minimum chunk length. */
  #adopt(session: UploadSession): UploadSession {
    this.#options.onSession?.(session.url.href);
    if (session.minChunk !== undefined) this.#form.ask(session.minChunk, this.#d.size);
    return session;
  }
}
