import { type BundleTarget, type RepositoryRule, fullName, mapRepository } from "@ocilot/referrers";

/** A target that keeps in mind where it was asked to put what. */
export interface WatchedTarget extends BundleTarget {
  /** Returns the places of what has these names, `docker://HOST/REPOSITORY` each; none for a layout directory. */
  placesOf(names: readonly string[]): string[];
  /** Returns a warning for each rule that fits no repository of the bundles that were read. */
  unusedRules(rules: readonly RepositoryRule[]): string[];
}

/** Repositories that a warning names at most. */
const MOST_NAMES = 5;

/** Returns the same target, watched. */
export function watchPlaces(target: BundleTarget): WatchedTarget {
  const places = new Map<string, string>();
  const repositories = new Set<string>();
  let isAsked = false;
  return {
    ...target,
    placeOf(root) {
      const found = target.placeOf(root);
      const name = fullName(root);
      isAsked = true;
      if (root.repository !== undefined) repositories.add(root.repository);
      if (name !== undefined && found.place !== "") places.set(name, `docker://${found.place}`);
      return found;
    },
    placesOf: (names) => [...new Set(names.flatMap((name) => places.get(name) ?? []))],
    unusedRules(rules) {
      if (!isAsked) return [];
      const all = [...repositories].toSorted();
      const more = all.length > MOST_NAMES ? ` and ${all.length - MOST_NAMES} more` : "";
      const known = all.length === 0 ? "they name no repository" : `they have ${all.slice(0, MOST_NAMES).join(", ")}${more}`;
      return rules
        .filter((rule) => !all.some((repository) => mapRepository(repository, [rule]) !== undefined))
        .map(({ from }) => `--map ${from}=… fits no repository of the bundles: ${known}`);
    },
  };
}
