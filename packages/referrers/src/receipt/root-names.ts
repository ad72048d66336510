import { type Digest, parseImageName } from "@ocilot/layout/web";
import type { Receipt, ReceiptRoot } from "./receipt.js";

/** The name of a root in two parts: `registry.example/shop/app` and `v1`. */
export interface RootName {
  /** With its host; absent where the name is a tag only. */
  readonly repository?: string;
  readonly tag: string;
}

/** Splits a name of `index.json` or of a receipt: a full one has a repository, as Docker writes it in full; any other is a tag. */
export function splitName(name: string): RootName {
  const { repository, tag } = (name.includes(":") ? parseImageName(name) : undefined) ?? {};
  return repository === undefined || tag === undefined ? { tag: name } : { repository, tag };
}

/**
 * Returns the repositories that the names of a receipt begin with, sorted.
 * @example
 * ```ts
 * import { readFile } from "node:fs/promises";
 * import { parseReceipt, repositoriesIn } from "@ocilot/referrers";
 *
 * console.log(repositoriesIn(parseReceipt(await readFile("./receipt.json"), "receipt.json")));
 * ```
 */
export function repositoriesIn(receipt: Receipt): string[] {
  return [...new Set(receipt.roots.flatMap((r) => (r.tag === undefined ? [] : (splitName(r.tag).repository ?? []))))].toSorted();
}

/**
 * When the repositories of two names with one tag agree, the closest first. A receipt of one repository has no repository in its names, and
 * at another registry the host differs and a prefix may come before the rest.
 */
const AGREEMENTS: readonly ((a: RootName, b: RootName) => boolean)[] = [
  (a, b) => a.repository === b.repository,
  (a, b) => a.repository !== undefined && b.repository !== undefined && pathOf(a.repository) === pathOf(b.repository),
  (a, b) => a.repository === undefined || b.repository === undefined || isTail(pathOf(a.repository), pathOf(b.repository)),
];

function pathOf(repository: string): string {
  return repository.slice(repository.indexOf("/") + 1);
}

function isTail(a: string, b: string): boolean {
  return `/${a}`.endsWith(`/${b}`) || `/${b}`.endsWith(`/${a}`);
}

/** Finds what some receipts have under a name, with names compared by the closest agreement in each. */
export class RootsByName {
  readonly #byTag: readonly ReadonlyMap<string, readonly (ReceiptRoot & { readonly name: RootName })[]>[];

  constructor(receipts: readonly Receipt[]) {
    this.#byTag = receipts.map(({ roots }) => {
      const byTag = new Map<string, (ReceiptRoot & { name: RootName })[]>();
      for (const root of roots) {
        if (root.tag === undefined) continue;
        const name = splitName(root.tag);
        const same = byTag.get(name.tag);
        if (same === undefined) byTag.set(name.tag, [{ ...root, name }]);
        else same.push({ ...root, name });
      }
      return byTag;
    });
  }

  /** Returns the digests under a name, each once. */
  digests(text: string): Digest[] {
    const name = splitName(text);
    const digests = new Set<Digest>();
    for (const byTag of this.#byTag) {
      const roots = byTag.get(name.tag) ?? [];
      const agrees = AGREEMENTS.find((test) => roots.some((r) => test(name, r.name)));
      if (agrees !== undefined) for (const r of roots) if (agrees(name, r.name)) digests.add(r.digest);
    }
    return [...digests];
  }
}

/** The digests under each name of a receipt. */
export type Names = ReadonlyMap<string, readonly Digest[]>;

/**
 * Returns which name of one receipt is which of another, each at most once: those that agree closest, and of several the one on the same
 * digests. A name that could be either of two on other digests is neither.
 */
export function pairNames(before: Names, now: Names): Map<string, string> {
  const pairs = new Map<string, string>();
  const [left, right] = [byTagOf(before), byTagOf(now)];
  for (const [tag, ours] of left) {
    const theirs = right.get(tag);
    if (theirs === undefined) continue;
    for (const agrees of AGREEMENTS) {
      const candidates = (a: string): string[] => [...theirs].flatMap(([b, name]) => (agrees(ours.get(a)!, name) ? b : []));
      const pair = (a: string, b: string): void => {
        pairs.set(a, b);
        ours.delete(a);
        theirs.delete(b);
      };
      for (const a of ours.keys()) {
        const same = candidates(a).find((b) => now.get(b)!.join() === before.get(a)!.join());
        if (same !== undefined) pair(a, same);
      }
      const rest = [...ours.keys()].map((a) => [a, candidates(a)] as const);
      for (const [a, [only, ...others]] of rest)
        if (only !== undefined && others.length === 0 && rest.filter(([, c]) => c.includes(only)).length === 1) pair(a, only);
    }
  }
  return pairs;
}

function byTagOf(names: Names): Map<string, Map<string, RootName>> {
  const byTag = new Map<string, Map<string, RootName>>();
  for (const text of names.keys()) {
    const name = splitName(text);
    const same = byTag.get(name.tag);
    if (same === undefined) byTag.set(name.tag, new Map([[text, name]]));
    else same.set(text, name);
  }
  return byTag;
}
