import { setMaxListeners } from "node:events";
import { OcilotError } from "@ocilot/layout/spec";
import type { Dispatcher } from "undici";
import { ResponseBody } from "./response-body.js";
import { SourceError } from "./errors.js";

/** One HTTP request. */
export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Called for each attempt; `content-length` must stand in the headers for anything but a `Uint8Array`. */
  readonly body?: Uint8Array | (() => AsyncIterable<Uint8Array>);
}

/** The response to one request, of any status, with its body unread. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: ResponseBody;
  /** The address it came from, after redirects. */
  readonly url: URL;
}

/** Time limits in milliseconds. */
export interface TimeLimits {
  /** For the response headers, and for each pause of an upload. */
  readonly headers: number;
  /** For more of the response body. */
  readonly idle: number;
}

/**
 * Sends one request and returns its response once the headers have arrived.
 * @throws SourceError whose cause is the error of the body's source; OcilotError `ABORTED`; network errors unchanged
 */
export function exchange(
  dispatcher: Dispatcher,
  request: HttpRequest,
  { limits, signal }: { readonly limits: TimeLimits; readonly signal: AbortSignal | undefined },
): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(aborted(signal));
    let controller: Dispatcher.DispatchController | undefined;
    let body: ResponseBody | undefined;
    let fault: SourceError | undefined;
    const watch = async function* (source: () => AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
      try {
        yield* source();
      } catch (cause) {
        fault = new SourceError("the content could not be read", { cause });
        throw fault;
      }
    };
    const onAbort = (): void => controller?.abort(aborted(signal));
    if (signal !== undefined) {
      // One signal ends any number of requests, and Node warns of a leak at the eleventh.
      setMaxListeners(0, signal);
      signal.addEventListener("abort", onAbort, { once: true });
    }
    const finish = (error?: unknown): void => {
      signal?.removeEventListener("abort", onAbort);
      const why = fault ?? (signal?.aborted === true ? aborted(signal) : error);
      body?.end(why);
      if (why !== undefined) reject(why);
    };
    const { url, method, headers } = request;
    const options: Dispatcher.DispatchOptions = {
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      method,
      headers: { ...headers },
      headersTimeout: limits.headers,
      bodyTimeout: limits.idle,
      ...(request.body !== undefined && {
        body: (request.body instanceof Uint8Array ? request.body : watch(request.body)) as Exclude<
          Dispatcher.DispatchOptions["body"],
          undefined
        >,
      }),
    };
    const handler: Dispatcher.DispatchHandler = {
      onRequestStart: (control) => {
        controller = control;
        if (signal?.aborted === true) control.abort(aborted(signal));
      },
      onResponseStart: (control, status, answerHeaders) => {
        if (status < 200) return;
        body = new ResponseBody(control);
        resolve({ status, headers: answerHeaders, body, url });
      },
      onResponseData: (_control, chunk) => body?.push(chunk),
      onResponseEnd: () => finish(),
      onResponseError: (_control, error) => finish(error),
    };
    try {
      dispatcher.dispatch(options, handler);
    } catch (error) {
      finish(error);
    }
  });
}

/** Returns the error of an aborted operation. */
export function aborted(signal: AbortSignal | undefined): OcilotError<"ABORTED"> {
  return new OcilotError("ABORTED", "interrupted", {}, { cause: signal?.reason });
}

/** The value of a header; the first of several. */
export function header(answer: Pick<HttpResponse, "headers">, name: string): string | undefined {
  const value = answer.headers[name];
  return typeof value === "string" ? value : value?.[0];
}

/** Every value of a header. */
export function headerValues(answer: Pick<HttpResponse, "headers">, name: string): readonly string[] {
  const value = answer.headers[name];
  return value === undefined ? [] : typeof value === "string" ? [value] : value;
}
