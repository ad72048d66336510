import type { Descriptor, Digest } from "@ocilot/layout";

/** What a layout should hold, kept in the simplest way: a map of tags and a set of links. */
export interface Oracle {
  readonly tags: Map<string, Digest>;
  /** Referrer → subject. A manifest has one subject, so that this says it all. */
  readonly subjects: Map<Digest, Digest>;
  /** Manifests that never go away. */
  readonly images: readonly Descriptor[];
  /**
   * An entry that lost its tag stays, and if it is a referrer's, that alone is a record in the way of oras. The next
   * attach or conversion makes it complete.
   */
  mayBePartial: boolean;
}

/** A fresh one for each run. */
export function oracleOf(images: readonly Descriptor[], tags: ReadonlyMap<string, Digest>): Oracle {
  return { images, tags: new Map(tags), subjects: new Map(), mayBePartial: false };
}

/** The links as `subject referrer`, sorted. */
export function edgesOf({ subjects }: Oracle): string[] {
  return [...subjects].map(([referrer, subject]) => `${subject} ${referrer}`).toSorted();
}

/** The links that belong to a manifest: of it, of the platforms of an index, of each referrer; and its own. */
export function edgesBelow(oracle: Oracle, root: Digest): string[] {
  const [, index, ...platforms] = oracle.images.map((d) => d.digest);
  const manifests = [root];
  for (const digest of manifests) {
    const below = [...withAllAbove(oracle, digest), ...(digest === index ? platforms : [])];
    manifests.push(...below.filter((d) => !manifests.includes(d)));
  }
  const links = [...oracle.subjects].filter(([referrer, subject]) => manifests.includes(subject) || referrer === root);
  return links.map(([referrer, subject]) => `${subject} ${referrer}`).toSorted();
}

/** A referrer and all that refers to it, directly or not. */
export function withAllAbove({ subjects }: Oracle, referrer: Digest): Digest[] {
  const all = [referrer];
  for (const below of all) for (const [above, subject] of subjects) if (subject === below) all.push(above);
  return all;
}

/** What can be picked as a subject or be tagged. */
export function manifestsOf({ images, subjects }: Oracle): Digest[] {
  return [...images.map((d) => d.digest), ...subjects.keys()];
}

/** The item that a number picks, whatever their count. */
export function pick<T>(items: readonly T[], n: number): T | undefined {
  return items[n % Math.max(items.length, 1)];
}
