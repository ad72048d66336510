/** Requests begun at once; the session decides how many are under way. */
const LANES = 32;

/**
 * Does something for each item, several at a time, and returns the results in their order. After a failure nothing more is begun, and what
 * is under way is waited for.
 */
export async function inParallel<T, R>(
  items: readonly T[],
  each: (item: T, position: number) => Promise<R>,
  lanes: number = LANES,
): Promise<R[]> {
  const results: R[] = Array.from({ length: items.length });
  let next = 0;
  let failure: { readonly error: unknown } | undefined;
  const lane = async (): Promise<void> => {
    while (next < items.length && failure === undefined) {
      const position = next++;
      try {
        results[position] = await each(items[position]!, position);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(lanes, items.length) }, lane));
  if (failure !== undefined) throw failure.error;
  return results;
}
