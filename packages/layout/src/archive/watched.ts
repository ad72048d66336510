/** Passes content on and calls `onFault` with what reading it throws, so that it is not reported as an error of writing. */
export async function* watched<T>(content: AsyncIterable<T>, onFault: (error: unknown) => void): AsyncIterable<T> {
  try {
    yield* content;
  } catch (error) {
    onFault(error);
    throw error;
  }
}
