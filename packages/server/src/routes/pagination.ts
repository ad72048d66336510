/** One page of a sorted list. */
export interface Page<T> {
  readonly items: readonly T[];
  /** The value of the `Link` header, if there is more. */
  readonly link?: string;
}

/** How many items a client asks for; undefined where it does not say or says nothing that makes sense. */
export function pageSize(query: URLSearchParams): number | undefined {
  const n = query.get("n");
  return n !== null && /^\d{1,9}$/.test(n) ? Number(n) : undefined;
}

/**
 * Returns the items after `last`, at most `limit`, and the link to those that follow.
 * @param items sorted by `keyOf`, bytewise
 * @param path of the list, for the link
 */
export function pageOf<T>(
  items: readonly T[],
  keyOf: (item: T) => string,
  { path, query, limit }: { readonly path: string; readonly query: URLSearchParams; readonly limit: number },
): Page<T> {
  const last = query.get("last");
  const start = last === null ? 0 : firstAfter(items, keyOf, last);
  const asked = pageSize(query);
  const count = Math.min(asked ?? limit, limit);
  const page = items.slice(start, start + count);
  if (start + count >= items.length || page.length === 0) return { items: page };
  const next = new URLSearchParams(query);
  next.set("last", keyOf(page.at(-1)!));
  if (asked !== undefined) next.set("n", String(count));
  return { items: page, link: `<${path}?${next.toString()}>; rel="next"` };
}

function firstAfter<T>(items: readonly T[], keyOf: (item: T) => string, last: string): number {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (keyOf(items[middle]!) <= last) low = middle + 1;
    else high = middle;
  }
  return low;
}
