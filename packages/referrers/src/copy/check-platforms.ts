import { type Descriptor, type Layout, OcilotError, type Platform } from "@ocilot/layout";
import { type LayoutView, manifestOf } from "../view.js";
import { formatPlatform, matchesPlatform } from "./platform.js";

/** An image's configuration is small; what is larger is something else. */
const MAX_CONFIG_BYTES = 4 * 1024 * 1024;

/**
 * Refuses a platform that an image does not offer, before anything is copied. A single image offers what its
 * configuration says.
 * @throws OcilotError `REF_NOT_FOUND`
 */
export async function checkPlatforms(layout: Layout, view: LayoutView, root: Descriptor, wanted: readonly Platform[]): Promise<void> {
  const all = await platformsOf(layout, view, root);
  for (const platform of wanted) {
    if (all.some((p) => matchesPlatform(p, platform))) continue;
    const offered = [...new Set(all.filter((p) => p.os !== "unknown").map(formatPlatform))];
    throw new OcilotError(
      "REF_NOT_FOUND",
      `${root.digest} has no platform ${formatPlatform(platform)}`,
      { reference: formatPlatform(platform), candidates: offered },
      { hint: offered.length === 0 ? "It is not an image with platforms: leave out --platform." : `It has: ${offered.join(", ")}` },
    );
  }
}

/** The platforms of an image index, through indexes in it, or the one of an image. */
async function platformsOf(layout: Layout, view: LayoutView, root: Descriptor): Promise<Platform[]> {
  const found: Platform[] = [];
  const seen = new Set<string>();
  let level = [root];
  while (level.length > 0) {
    const nodes = await view.nodes(level);
    const children = nodes.flatMap((n) => manifestOf(n)?.manifests ?? []);
    found.push(...children.flatMap((d) => d.platform ?? []));
    level = children.filter((d) => d.platform === undefined && !seen.has(d.digest) && seen.add(d.digest));
  }
  const [node] = await view.nodes([root]);
  const config = manifestOf(node)?.config;
  if (config !== undefined) found.push(...(await configured(layout, config)));
  return found;
}

/** What a configuration says of its platform; nothing where it is of another kind, or not there. */
async function configured(layout: Layout, config: Descriptor): Promise<Platform[]> {
  if (config.size > MAX_CONFIG_BYTES || !config.mediaType.endsWith("+json") || !(await layout.blobs.has(config.digest))) return [];
  try {
    const json = JSON.parse(new TextDecoder().decode(await layout.blobs.bytes(config))) as Partial<Record<keyof Platform, unknown>> | null;
    const { os, architecture, variant } = json ?? {};
    if (typeof os !== "string" || typeof architecture !== "string" || os === "" || architecture === "") return [];
    return [{ os, architecture, ...(typeof variant === "string" && variant !== "" && { variant }) }];
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}
