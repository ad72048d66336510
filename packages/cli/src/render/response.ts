import { type Digest, type JsonNode, type JsonObject, IMAGE_INDEX, descriptorNode, goJson } from "@ocilot/layout/spec";
import type { Referrer } from "@ocilot/referrers";

/**
 * The answer of the Referrers API to a query for these referrers, where each descriptor carries an answer of its own. A
 * link without `subject` is in no answer.
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
 */
export function renderNested(
  found: readonly Referrer[],
  platforms: readonly { digest: Digest; platform: string | undefined; referrers: readonly Referrer[] }[] | undefined,
): string {
  const members: (readonly [string, JsonNode])[] = [
    ["schemaVersion", 2],
    ["mediaType", IMAGE_INDEX],
    ["manifests", linesOf(found)],
  ];
  if (platforms !== undefined) members.push(["platforms", platforms.map(platformNode)]);
  return goJson({ members });
}

function linesOf(list: readonly Referrer[]): JsonObject[] {
  return list
    .filter((r) => r.link === "S")
    .map((r) => ({ members: [...descriptorNode(r.descriptor).members, ["referrers", linesOf(r.referrers ?? [])] as const] }));
}

function platformNode(p: { digest: Digest; platform: string | undefined; referrers: readonly Referrer[] }): JsonObject {
  const members: (readonly [string, JsonNode])[] = [["digest", p.digest]];
  if (p.platform !== undefined) members.push(["platform", p.platform]);
  return { members: [...members, ["referrers", linesOf(p.referrers)]] };
}
