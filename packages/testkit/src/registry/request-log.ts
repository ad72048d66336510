/** A request that was answered, in the words in which tests count them. */
export interface LoggedRequest {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** The kind of a request: `"GET manifest"`, `"PUT blob"` (an upload's end), `"POST upload"`, `"GET tags"`, `"GET referrers"`, … */
export function requestKind({ method, path }: Pick<LoggedRequest, "method" | "path">): string {
  const route = path.replace(/\?.*$/s, "");
  if (/\/manifests\/[^/]+$/.test(route)) return `${method} manifest`;
  if (/\/blobs\/uploads\/[^/]*$/.test(route)) return method === "PUT" ? "PUT blob" : `${method} upload`;
  if (/\/blobs\/[^/]+$/.test(route)) return `${method} blob`;
  if (/\/referrers\/[^/]+$/.test(route)) return `${method} referrers`;
  if (route.endsWith("/tags/list")) return `${method} tags`;
  return route === "/v2/" || route === "/v2" ? `${method} ping` : `${method} other`;
}

/** Counts requests by their kind. */
export class RequestLog {
  readonly requests: LoggedRequest[] = [];

  add(request: LoggedRequest): void {
    this.requests.push(request);
  }

  get size(): number {
    return this.requests.length;
  }

  /** How many requests of a kind there were. */
  count(kind: string): number {
    return this.requests.filter((r) => requestKind(r) === kind).length;
  }

  /** All kinds and how many of each, most first. */
  kinds(): Record<string, number> {
    const counts = new Map<string, number>();
    for (const request of this.requests) counts.set(requestKind(request), (counts.get(requestKind(request)) ?? 0) + 1);
    return Object.fromEntries([...counts].toSorted(([, a], [, b]) => b - a));
  }

  /** The bytes of all bodies, to and from the client. */
  get bytes(): number {
    return this.requests.reduce((sum, r) => sum + r.bytesIn + r.bytesOut, 0);
  }

  clear(): void {
    this.requests.length = 0;
  }
}
