import type { IncomingMessage } from "node:http";

/** A request as endpoints see it: no socket, so that a test can make one by hand. */
export interface RegistryRequest {
  readonly method: string;
  /** The path as it was sent, without the query; nothing is decoded yet. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: AsyncIterable<Uint8Array>;
  /** Whether the client reached this server, or a proxy before it, over TLS. */
  readonly isSecure: boolean;
  /** Fires when the client has gone away. */
  readonly signal: AbortSignal;
}

/** Returns the request that Node received. The path is taken as it stands: resolving `..` here would hide what was asked. */
export function fromNode(message: IncomingMessage, signal: AbortSignal): RegistryRequest {
  const url = message.url ?? "/";
  const at = url.indexOf("?");
  const headers: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(message.headers)) headers[name] = Array.isArray(value) ? value.join(", ") : value;
  return {
    method: message.method ?? "GET",
    path: at < 0 ? url : url.slice(0, at),
    query: new URLSearchParams(at < 0 ? "" : url.slice(at + 1)),
    headers,
    body: message,
    isSecure: "encrypted" in message.socket || headers["x-forwarded-proto"] === "https",
    signal,
  };
}

/**
 * Returns a request made by hand, for tests and for callers inside this process.
 * @param url path and query
 * @example
 * ```ts
 * import { Registry, makeRequest, openRepositories } from "@ocilot/server";
 *
 * const registry = new Registry(await openRepositories(undefined, { sync: true, lockWait: 30_000 }));
 * const { answer } = await registry.handle(makeRequest("GET", "/v2/"));
 * console.log(answer.status);
 * ```
 */
export function makeRequest(
  method: string,
  url: string,
  options: { readonly headers?: Readonly<Record<string, string>>; readonly body?: Uint8Array | string; readonly signal?: AbortSignal } = {},
): RegistryRequest {
  const at = url.indexOf("?");
  const bytes = typeof options.body === "string" ? new TextEncoder().encode(options.body) : options.body;
  const headers: Record<string, string> = bytes === undefined ? {} : { "content-length": String(bytes.length) };
  for (const [name, value] of Object.entries(options.headers ?? {})) headers[name.toLowerCase()] = value;
  return {
    method,
    path: at < 0 ? url : url.slice(0, at),
    query: new URLSearchParams(at < 0 ? "" : url.slice(at + 1)),
    headers,
    body: (async function* () {
      if (bytes !== undefined && bytes.length > 0) yield bytes;
    })(),
    isSecure: false,
    signal: options.signal ?? new AbortController().signal,
  };
}

/** Returns the number of bytes that the request says its body has; undefined where it does not say (a chunked body). */
export function contentLength(request: RegistryRequest): number | undefined {
  const value = request.headers["content-length"];
  return value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : undefined;
}
