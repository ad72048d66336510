import { isNameEnd, manifestKind } from "@ocilot/layout";
import type { ImageRow, PlatformRow } from "../images/image-rows.js";
import type { FieldTable } from "./fields.js";
import { kindCountsText } from "../images/kind-text.js";
import { renderTable } from "./table.js";
import { count, formatSize } from "./text.js";
import { renderTree } from "./tree.js";

/** An image, or one of its platforms. */
export interface LineRow extends PlatformRow {
  readonly image: ImageRow;
}

/** What `ls --fields` can print of each image and platform. */
export const IMAGE_FIELDS: FieldTable<LineRow> = {
  image: (row) => nameOf(row.image),
  tags: (row) => row.image.tags.join(","),
  names: (row) => row.image.names.join(","),
  platform: (row) => row.platform,
  type: (row) => row.image.artifactType ?? row.mediaType,
  size: (row) => row.size,
  referrers: (row) => row.referrers,
  kinds: (row) => kindCountsText(row.kinds),
  digest: (row) => row.digest,
};

/** Returns images and their platforms as one list. */
export function lineRows(images: readonly ImageRow[]): LineRow[] {
  return images.flatMap((image) => [{ ...image, image }, ...image.platforms.map((row) => ({ ...row, image }))]);
}

/** Returns the table that `ls` prints. */
export function imageTable(images: readonly ImageRow[], heading: (text: string) => string): string {
  const rows = images.flatMap((image) => [
    [nameOf(image), kindOf(image), formatSize(image.size), kindCountsText(image.kinds), image.digest],
    ...image.platforms.map((p) => ["", `- ${platformOf(p)}`, formatSize(p.size), kindCountsText(p.kinds), p.digest]),
  ]);
  const [first, ...rest] = renderTable([["IMAGE", "PLATFORM", "SIZE", "REFERRERS", "DIGEST"], ...rows], [2]).split("\n");
  return [heading(first!), ...rest].join("\n");
}

/** Returns the images of a layout as a tree. */
export function imageTree(location: string, images: readonly ImageRow[]): string {
  const label = (name: string, row: PlatformRow): string =>
    [name, row.digest, formatSize(row.size), ...(row.referrers > 0 ? [kindCountsText(row.kinds)] : [])].join("  ");
  const children = images.map((image) => ({
    label: label(`${nameOf(image)}  ${kindOf(image)}`, image),
    children: image.platforms.map((p) => ({ label: label(platformOf(p), p), children: [] })),
  }));
  return renderTree({ label: location, children });
}

/** The names of an image: the full ones that containerd and Docker keep, and tags that are not part of one of these. */
function nameOf({ tags, names, file }: ImageRow): string {
  const shown = [...names, ...tags.filter((tag) => !names.some((name) => name === tag || isNameEnd(name, tag)))];
  return `${shown.join(", ") || "(no tag)"}${file === undefined ? "" : ` (${file} only)`}`;
}

function kindOf(image: ImageRow): string {
  if (image.problem !== undefined) return `(${image.problem})`;
  if (image.platforms.length > 0) return count(image.platforms.length, unitOf(image.platforms));
  return image.artifactType ?? image.platform ?? image.mediaType;
}

/** What the children of an index are: those of a build cache are its layers. */
function unitOf(children: readonly PlatformRow[]): string {
  if (children.some((row) => row.platform !== undefined)) return "platform";
  return children.every((row) => manifestKind(row.mediaType) !== undefined) ? "manifest" : "blob";
}

function platformOf(row: PlatformRow): string {
  return `${row.platform ?? row.mediaType}${row.problem === undefined ? "" : ` (${row.problem})`}`;
}
