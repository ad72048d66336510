/** Tells what content itself throws from what writing it throws: that must not look like a fault of the target. */
export async function* watched<T>(content: AsyncIterable<T>, onFault: (error: unknown) => void): AsyncIterable<T> {
  try {
    yield* content;
  } catch (error) {
    onFault(error);
    throw error;
  }
}
