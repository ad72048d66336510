import { type IndexSnapshot, LAYOUT_VERSION, type Layout } from "@ocilot/layout/web";

/**
 * Why `index.json` of this layout cannot be edited. The write would be refused as well, but only after new lists have been
 * stored.
 */
export function writeObstacles(snapshot: IndexSnapshot, layout: Layout): string[] {
  const obstacles = snapshot.quirks.map(({ message }) => `index.json: ${message}; tools read it differently, so it is not edited`);
  if (layout.version !== LAYOUT_VERSION)
    obstacles.push(`oci-layout: version ${layout.version} is unknown; ocilot writes only ${LAYOUT_VERSION}`);
  return obstacles;
}
