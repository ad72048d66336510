import { REF_NAME } from "@ocilot/layout/spec";
import type { Convention } from "./convention.js";
import { parseReferrersTag, referrersTag } from "../records/referrers-tag.js";
import { listConvention } from "./list-convention.js";

/** The fallback tag of distribution-spec, kept on disk: regclient, and registries mirrored to a directory. */
export const regclient: Convention = listConvention({
  id: "regclient",
  title: "a list per subject under its referrers tag (regclient, regctl)",
  mark: (subject) => ({ key: REF_NAME, value: referrersTag(subject) }),
  obstacle(lists, subject) {
    const tag = referrersTag(subject);
    const taken = lists.realTags.find((e) => parseReferrersTag(e.tag!)?.tag === tag);
    if (taken === undefined) return undefined;
    return `the tag ${tag} points to ${taken.descriptor.digest}, which is not a list: rename or remove the tag (index.json entry ${taken.position})`;
  },
  // Others write the tags of long digests in full; regctl looks for the short form only.
  isFoundAt: (entry, subject) => parseReferrersTag(entry.tag ?? "")?.tag === referrersTag(subject),
});
