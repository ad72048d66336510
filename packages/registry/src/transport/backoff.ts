import { setTimeout as sleep } from "node:timers/promises";
import { aborted, header, type HttpResponse } from "./exchange.js";
import { isPassingError, networkCode } from "./errors.js";

/** How often, and after which delay, a request is retried. */
export interface RetryPolicy {
  /** Attempts after the first, per request; progress of a transfer restores the budget. */
  readonly retries: number;
  /** Milliseconds before the first retry; doubled for each further one up to 10 s, with up to half of it taken off at random. */
  readonly delay: number;
  /** The longest `Retry-After` to wait for, in milliseconds; with a longer one the request fails at once. */
  readonly maxRetryAfter: number;
}

const MAX_DELAY_MS = 10_000;
/** A refused connection is usually a wrong port, and somebody is waiting for the error. */
const MAX_REFUSED_RETRIES = 2;
const PASSING_STATUS: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

/** Tells whether a status is worth a retry. */
export function isPassingStatus(status: number): boolean {
  return PASSING_STATUS.has(status);
}

/** Milliseconds that `Retry-After` asks for, given in seconds or as a date; undefined if absent or malformed. */
export function retryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\s*\d{1,9}\s*$/.test(value)) return Number(value) * 1000;
  const date = /[A-Za-z]{3}/.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** The retry budget of one operation. */
export class Backoff {
  readonly #policy: RetryPolicy;
  #used = 0;
  #attempts = 1;
  #longWait: number | undefined;

  constructor(policy: RetryPolicy) {
    this.#policy = policy;
  }

  /** Attempts so far, the first included. */
  get attempts(): number {
    return this.#attempts;
  }

  /** The `Retry-After` in milliseconds that exceeded the limit, if any. */
  get longWait(): number | undefined {
    return this.#longWait;
  }

  /** Restores the whole budget after progress of a transfer. */
  progressed(): void {
    this.#used = 0;
  }

  /**
   * Waits before the next attempt; returns false, without waiting, if there is none.
   * @throws OcilotError `ABORTED`
   */
  async next(failure: Pick<HttpResponse, "status" | "headers"> | Error, signal: AbortSignal | undefined): Promise<boolean> {
    const isAnswer = !(failure instanceof Error);
    if (isAnswer ? !isPassingStatus(failure.status) : !isPassingError(failure)) return false;
    const budget =
      !isAnswer && networkCode(failure) === "ECONNREFUSED" ? Math.min(MAX_REFUSED_RETRIES, this.#policy.retries) : this.#policy.retries;
    if (this.#used >= budget) return false;
    const asked = isAnswer ? retryAfter(header(failure, "retry-after"), Date.now()) : undefined;
    if (asked !== undefined && asked > this.#policy.maxRetryAfter) {
      this.#longWait = asked;
      return false;
    }
    const doubled = Math.min(MAX_DELAY_MS, this.#policy.delay * 2 ** this.#used);
    this.#used++;
    this.#attempts++;
    await pause(Math.max(asked ?? 0, doubled * (0.5 + Math.random() / 2)), signal);
    return true;
  }
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(ms, undefined, signal === undefined ? {} : { signal });
  } catch {
    throw aborted(signal);
  }
}
