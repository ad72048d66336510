import { isRecord } from "@ocilot/layout";
import { usageError } from "../command-line/usage-error.js";
import type { ImageList, SourceSpec } from "./source-spec.js";
import { parseVersionRange } from "./version-range.js";

const IMAGES = "images";
const BY_REGEX = "images-by-tag-regex";
const BY_RANGE = "images-by-semver";
/** How skopeo reaches the registry; here options and `ocilot login` say that. */
const CONNECTION: ReadonlySet<string> = new Set(["credentials", "tls-verify", "cert-dir"]);

/**
 * Reads YAML of `skopeo sync`: for each registry the tags of repositories, by name, by regular expression or by a range of versions.
 * @param name of the file, for messages
 * @throws OcilotError `USAGE`, also for a member that skopeo does not have
 */
export function skopeoImages(value: Record<string, unknown>, name: string): ImageList {
  const specs: SourceSpec[] = [];
  const unused: string[] = [];
  for (const [registry, settings] of Object.entries(value)) {
    if (!isRecord(settings)) throw usageError(`${name}: ${registry} is no registry with images`, "list");
    const at = specs.length;
    for (const member of Object.keys(settings)) {
      if (CONNECTION.has(member))
        unused.push(`${name}: ${member} of ${registry} is not used; see the options of registries and ocilot login`);
      else if (![IMAGES, BY_REGEX, BY_RANGE].includes(member))
        throw usageError(
          `${name}: ${registry} has an unknown member ${member}`,
          "list",
          `Known are ${[IMAGES, BY_REGEX, BY_RANGE].join(", ")}.`,
        );
    }
    const base = (repository: string): string => `docker://${registry}/${repository}`;
    for (const [repository, tags] of membersOf(settings, IMAGES)) specs.push(...tagged(base(repository), tags));
    for (const [repository, regex] of membersOf(settings, BY_REGEX)) {
      if (typeof regex !== "string" || !isRegex(regex))
        throw usageError(`${name}: ${JSON.stringify(regex)} is not a regular expression`, "list");
      specs.push({ kind: "repository", text: base(repository), regex });
    }
    for (const [repository, given] of membersOf(settings, BY_RANGE)) {
      const range = typeof given === "number" ? String(given) : given;
      if (typeof range !== "string" || parseVersionRange(range) === undefined)
        throw usageError(
          `${name}: ${JSON.stringify(given)} is not a range of versions`,
          "list",
          "Write it like '>=1.2, <2', '~1.2' or '1.x'.",
        );
      specs.push({ kind: "repository", text: base(repository), range });
    }
    if (specs.length === at) unused.push(`${name}: ${registry} lists no images`);

    function membersOf(of: Record<string, unknown>, member: string): [string, unknown][] {
      const found = of[member] ?? {};
      if (!isRecord(found)) throw usageError(`${name}: ${member} of ${registry} does not name repositories`, "list");
      return Object.entries(found);
    }

    function tagged(repository: string, tags: unknown): SourceSpec[] {
      if (tags === null || (Array.isArray(tags) && tags.length === 0)) return [{ kind: "repository", text: repository }];
      if (!Array.isArray(tags)) throw usageError(`${name}: the tags of ${repository.slice("docker://".length)} are not a list`, "list");
      return tags.map((tag) => ({ kind: "repository", text: `${repository}${/^[a-z0-9]+:/.test(String(tag)) ? "@" : ":"}${String(tag)}` }));
    }
  }
  return { specs, unused };
}

function isRegex(text: string): boolean {
  try {
    return new RegExp(text) instanceof RegExp;
  } catch {
    return false;
  }
}
