import type { Repository } from "../repositories/repository.js";

/** Results are used again for this time in milliseconds while `index.json` stays the same; blobs may have come or gone meanwhile. */
const KEEP_MS = 10_000;

interface Done {
  readonly digest: string;
  readonly until: number;
  readonly result: Promise<unknown>;
}

/** Work on repositories that several readers ask for and that is done once: reading a large layout costs time and memory. */
export class SharedWork {
  readonly #done: WeakMap<Repository, Map<string, Done>> = new WeakMap();

  /**
   * Returns the result of `work`, from another reader where the layout has not changed since. Work that fails is forgotten.
   * @param options `keep: false` shares only what is still running
   */
  async of<T>(repository: Repository, name: string, work: () => Promise<T>, { keep = true }: { readonly keep?: boolean } = {}): Promise<T> {
    const digest = (await repository.layout.index.read()).digest;
    const known = this.#done.get(repository) ?? new Map<string, Done>();
    this.#done.set(repository, known);
    const before = known.get(name);
    if (before?.digest === digest && before.until > performance.now()) return await (before.result as Promise<T>);
    const result = work();
    const forget = (): void => void (known.get(name)?.result === result && known.delete(name));
    known.set(name, { digest, until: keep ? performance.now() + KEEP_MS : Infinity, result });
    result.then(keep ? () => undefined : forget, forget);
    return await result;
  }
}
