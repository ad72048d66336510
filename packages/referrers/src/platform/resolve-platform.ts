import { type Descriptor, type Layout, OcilotError, type Platform } from "@ocilot/layout/web";
import type { LayoutView } from "../view/layout-view.js";
import { openView } from "../view/open-view.js";
import { type PlatformImage, imagePlatforms } from "./image-platforms.js";
import { isSamePlatform, matchesPlatform } from "./match-platform.js";
import { formatPlatform } from "./parse-platform.js";

/** What `resolvePlatform` may use. */
export interface ResolvePlatformOptions {
  /** A view of the layout that is open already. */
  readonly view?: LayoutView;
  readonly signal?: AbortSignal;
}

/**
 * Returns the one image for a platform, of an image index (also a nested one) or of a plain image. Where several images fit,
 * the one that states exactly what was requested is taken, if there is exactly one.
 * @throws OcilotError `REF_NOT_FOUND` if the image has no such platform, `REF_AMBIGUOUS` if several images fit
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { parsePlatform, resolvePlatform } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const image = await layout.resolve("v1");
 * const { descriptor } = await resolvePlatform(layout, image, parsePlatform("linux/amd64"));
 * console.log(descriptor.digest);
 * ```
 */
export async function resolvePlatform(
  layout: Layout,
  image: Descriptor,
  wanted: Platform,
  options: ResolvePlatformOptions = {},
): Promise<PlatformImage> {
  const view = options.view ?? (await openView(layout, options.signal ? { signal: options.signal } : {}));
  return choosePlatform((await imagePlatforms(layout, view, image)).images, image, wanted);
}

/**
 * As {@link resolvePlatform}, from images at hand.
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { choosePlatform, imagePlatforms, openView, parsePlatform } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const view = await openView(layout);
 * const image = await layout.resolve("v1");
 * const { images } = await imagePlatforms(layout, view, image);
 * console.log(choosePlatform(images, image, parsePlatform("linux/amd64")).descriptor.digest); // throws where there is none
 * ```
 */
export function choosePlatform(images: readonly PlatformImage[], image: Descriptor, wanted: Platform): PlatformImage {
  const fitting = distinct(images.filter((i) => matchesPlatform(i.platform, wanted)));
  const exact = fitting.length > 1 ? fitting.filter((i) => isSamePlatform(i.platform, wanted)) : fitting;
  if (exact.length === 1) return exact[0]!;
  const reference = formatPlatform(wanted);
  if (fitting.length === 0) {
    const offered = [...new Set(images.map((i) => formatPlatform(i.platform)))];
    throw new OcilotError(
      "REF_NOT_FOUND",
      `${image.digest} has no platform ${reference}`,
      { reference, candidates: offered },
      { hint: offered.length === 0 ? "It is not an image with platforms: leave out --platform." : `It has: ${offered.join(", ")}` },
    );
  }
  const candidates = fitting.map((i) => `${formatPlatform(i.platform)}@${i.descriptor.digest}`);
  throw new OcilotError(
    "REF_AMBIGUOUS",
    `${reference} fits ${fitting.length} images of ${image.digest}: ${candidates.slice(0, 5).join(", ")}${candidates.length > 5 ? ", …" : ""}`,
    { reference, candidates },
    { hint: "Add the variant or the OS version to the platform, or name the image by its digest." },
  );
}

function distinct(images: readonly PlatformImage[]): PlatformImage[] {
  return [...new Map(images.map((i) => [i.descriptor.digest, i])).values()];
}
