import { join } from "node:path";
import { Layout, canCreateLayout } from "@ocilot/layout";
import { type BundleTarget, type RepositoryRule, mapRepository } from "./bundle-target.js";
import { fullName } from "./stage-bundle.js";

/** The directory in a layout that holds what `unbundle` has to remember. Other programs pass over it. */
export const BUNDLE_STATE = ".ocilot-bundles";

/**
 * Returns a layout directory as the destination of bundles; it is made if nothing is there. Names stay as they are in the bundle, but for
 * the rules.
 * @example
 * ```ts
 * import { directoryTarget, unbundle } from "@ocilot/referrers";
 *
 * const target = directoryTarget("./layout", { rules: [{ from: "team/", to: "mirror/" }] });
 * await unbundle(["./images.tar"], target);
 * ```
 */
export function directoryTarget(path: string, options: { rules?: readonly RepositoryRule[]; sync?: boolean } = {}): BundleTarget {
  const { rules = [], sync = true } = options;
  return {
    location: path,
    state: join(path, BUNDLE_STATE),
    placeOf({ repository, tag }) {
      const mapped = repository === undefined ? undefined : (mapRepository(repository, rules) ?? repository);
      const name = fullName({ ...(mapped !== undefined && { repository: mapped }), ...(tag !== undefined && { tag }) });
      return { place: "", ...(name !== undefined && { tag: name }) };
    },
    async prepare() {
      if (canCreateLayout(path)) await Layout.create(path, { sync });
    },
    open: async () => await Layout.open(path, { sync }),
  };
}
