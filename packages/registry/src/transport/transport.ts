import type { Dispatcher } from "undici";
import { Backoff, type RetryPolicy } from "./backoff.js";
import { defaultCertificateDirectories } from "./certificates.js";
import { Dispatchers } from "./dispatchers.js";
import { type Endpoint, resolveEndpoint } from "./endpoint.js";
import { type RequestLabel, bodyTooLarge, invalidResponse } from "./errors.js";
import { type HttpResponse, type HttpRequest, type TimeLimits, exchange, header, headerValues } from "./exchange.js";
import { Limiter } from "./limiter.js";
import type { Environment } from "../environment.js";
import { MAX_REDIRECTS, isRedirect, redirectTarget } from "./redirect.js";
import { parseWarnings } from "./warning.js";

/** How a session reaches registries. Times are in milliseconds. */
export interface TransportOptions {
  /** A file of PEM certificates to trust in addition to the usual ones. */
  readonly caFile?: string;
  /** Folders with a folder `HOST[:PORT]` of certificates; those of podman and docker by default. */
  readonly certificateDirectories?: readonly string[];
  /** True: certificates are not checked. */
  readonly insecure?: boolean;
  /** True: http instead of https. By default http is used for `localhost`, `*.localhost`, 127.0.0.0/8 and ::1 only. */
  readonly plainHttp?: boolean;
  /** To set up a connection; 15,000 by default. */
  readonly connectTimeout?: number;
  /** For the response headers, and for each pause of an upload; 60,000 by default. */
  readonly headersTimeout?: number;
  /** For more of a response body; 60,000 by default. */
  readonly idleTimeout?: number;
  /** Retries per request after 408, 425, 429, 500, 502, 503, 504 or a broken connection; 5 by default. */
  readonly retries?: number;
  /** Before the first retry; 200 by default. It is doubled for each further one, up to 10 s. */
  readonly retryDelay?: number;
  /** The longest `Retry-After` to wait for; 60,000 by default. With a longer one the request fails at once. */
  readonly maxRetryAfter?: number;
  /** Concurrent requests, not counting blob transfers; 8 by default. */
  readonly jobs?: number;
  /** By host, repositories of other registries that are asked first for manifests and blobs: `{"docker.io": ["mirror.example/hub"]}`. */
  readonly mirrors?: Readonly<Record<string, readonly string[]>>;
  /** Sends every request, instead of connections of the session; undici's `MockAgent` for example. The caller closes it. It takes each chunk of a body before it asks for the next one. */
  readonly dispatcher?: Dispatcher;
  /** Called once for each distinct `Warning` of a registry. */
  readonly onWarning?: (warning: { readonly host: string; readonly text: string }) => void;
  /** Called for each request when its response begins, or with status 0 if it got none. `address` has no query. */
  readonly onRequest?: (request: { readonly method: string; readonly address: string; readonly status: number }) => void;
  /** Instead of `process.env`: proxies, home and configuration directories. */
  readonly env?: Environment;
}

/** The registry a request is sent for, and how it is reported. */
export interface SendContext {
  readonly endpoint: Endpoint;
  readonly label: RequestLabel;
  readonly signal: AbortSignal | undefined;
}

/** A response with its whole body. */
export interface BufferedResponse extends Omit<HttpResponse, "body"> {
  readonly bytes: Uint8Array;
}

const DIFFERENT_WARNINGS = 1000;
/** At most this much of the body of an error response is read. */
export const MAX_ERROR_BYTES: number = 64 * 1024;

/** Sends requests: connections, redirects, limits, warnings. Independent of credentials and registry operations. */
export class Transport {
  readonly mirrors: Readonly<Record<string, readonly string[]>>;
  readonly env: Environment;
  readonly #options: TransportOptions;
  readonly #dispatchers: Dispatchers;
  readonly #limiter: Limiter;
  readonly #limits: TimeLimits;
  readonly #policy: RetryPolicy;
  readonly #warned: Set<string> = new Set();
  readonly #endpoints: Map<string, Promise<Endpoint>> = new Map();

  constructor(options: TransportOptions) {
    this.#options = options;
    this.env = options.env ?? process.env;
    this.mirrors = options.mirrors ?? {};
    this.#limiter = new Limiter(options.jobs ?? 8);
    this.#limits = { headers: options.headersTimeout ?? 60_000, idle: options.idleTimeout ?? 60_000 };
    this.#policy = { retries: options.retries ?? 5, delay: options.retryDelay ?? 200, maxRetryAfter: options.maxRetryAfter ?? 60_000 };
    this.#dispatchers = new Dispatchers(
      {
        caFile: options.caFile,
        certificateDirectories: options.certificateDirectories ?? defaultCertificateDirectories(this.env),
        insecure: options.insecure ?? false,
        connectTimeout: options.connectTimeout ?? 15_000,
        env: this.env,
      },
      options.dispatcher,
    );
  }

  /** The endpoint of a registry; the scheme is determined once. */
  endpoint(host: string): Promise<Endpoint> {
    let endpoint = this.#endpoints.get(host);
    if (endpoint === undefined) {
      const { plainHttp, insecure, connectTimeout = 15_000, dispatcher } = this.#options;
      const hasTlsMaterial = dispatcher === undefined && (insecure === true || this.#dispatchers.tls(host) !== undefined);
      endpoint = resolveEndpoint(host, { plainHttp, hasTlsMaterial, timeout: connectTimeout });
      this.#endpoints.set(host, endpoint);
    }
    return endpoint;
  }

  /** Returns the retry budget of one operation. */
  backoff(): Backoff {
    return new Backoff(this.#policy);
  }

  /**
   * Sends a request once, following redirects, and returns the response, of any status, with its body unread.
   * `Authorization` is sent to the origin of `request.url` only.
   * @throws network errors unchanged; OcilotError `RESPONSE_INVALID`, `ABORTED`; `SourceError`
   */
  async send(request: HttpRequest, context: SendContext): Promise<HttpResponse> {
    const { endpoint, label, signal } = context;
    let { url, headers } = request;
    for (let hop = 0; ; hop++) {
      const answer = await this.#once({ ...request, url, headers }, endpoint, signal);
      this.#warn(label.host, answer);
      if (!isRedirect(answer.status, request.method)) return answer;
      answer.body.discard();
      if (hop === MAX_REDIRECTS) throw invalidResponse(label, `more than ${MAX_REDIRECTS} redirects`);
      const target = redirectTarget(header(answer, "location"), url, { home: endpoint.url, label });
      if (target.origin !== url.origin) headers = withoutAuthorization(headers);
      url = target;
    }
  }

  /**
   * As {@link send}, reading the whole body of up to `limit` bytes; that of an error response is limited to 64 KiB. Counts towards `jobs`.
   * @throws OcilotError `LIMIT_EXCEEDED`, and what {@link send} throws
   */
  read(
    request: HttpRequest,
    { what, limit, ...context }: SendContext & { readonly what: string; readonly limit: number },
  ): Promise<BufferedResponse> {
    return this.#limiter.run(async () => {
      const { body, ...answer } = await this.send(request, context);
      if (answer.status >= 400) return { ...answer, bytes: (await body.bytes(MAX_ERROR_BYTES)) ?? new Uint8Array() };
      const announced = Number(header(answer, "content-length") ?? 0);
      const bytes = announced > limit && request.method !== "HEAD" ? undefined : await body.bytes(limit);
      if (bytes !== undefined) return { ...answer, bytes };
      body.close();
      throw bodyTooLarge(context.label, what, limit, Math.max(announced, limit + 1));
    });
  }

  /** Closes all connections. */
  async close(): Promise<void> {
    await this.#dispatchers.close();
  }

  async #once(request: HttpRequest, endpoint: Endpoint, signal: AbortSignal | undefined): Promise<HttpResponse> {
    const { onRequest } = this.#options;
    const address = `${request.url.origin}${request.url.pathname}`;
    try {
      const pool = this.#dispatchers.for(request.url, endpoint.url);
      const answer = await exchange(pool, request, { limits: this.#limits, signal });
      onRequest?.({ method: request.method, address, status: answer.status });
      return answer;
    } catch (error) {
      onRequest?.({ method: request.method, address, status: 0 });
      throw error;
    }
  }

  #warn(host: string, answer: HttpResponse): void {
    const { onWarning } = this.#options;
    if (onWarning === undefined) return;
    for (const text of parseWarnings(headerValues(answer, "warning"))) {
      const key = `${host} ${text}`;
      if (this.#warned.has(key) || this.#warned.size >= DIFFERENT_WARNINGS) continue;
      this.#warned.add(key);
      onWarning({ host, text });
    }
  }
}

function withoutAuthorization(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== "authorization"));
}
