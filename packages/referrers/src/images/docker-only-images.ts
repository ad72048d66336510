import { type Digest, IMAGE_CONFIG, type Layout, isOcilotError, isRecord, parseJson } from "@ocilot/layout/web";
import { formatPlatform } from "../platform/parse-platform.js";

const MAX_CONFIG_BYTES = 4 * 1024 * 1024;

/** An image that only Docker's files beside `index.json` list. It has no manifest: its config stands for it. */
export interface DockerOnlyImage {
  /** Of the config. */
  readonly digest: Digest;
  readonly mediaType: string;
  readonly platform?: string;
  /** Config and layers, in bytes, as far as they are there. */
  readonly size: number;
  readonly problem?: "missing";
  /** Full names where Docker accepts the name, else as written. */
  readonly names: readonly string[];
  /** The file that lists it. */
  readonly file: string;
}

/**
 * Returns the images that only Docker's files list; `configs` are those of the images that `index.json` lists too.
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { dockerOnlyImages } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * for (const { digest, size } of await dockerOnlyImages(layout, new Set())) console.log(digest, size);
 * ```
 */
export async function dockerOnlyImages(layout: Layout, configs: ReadonlySet<Digest>): Promise<DockerOnlyImage[]> {
  const { images } = await layout.dockerImages();
  const found: DockerOnlyImage[] = [];
  for (const { config, names, layers, file } of images) {
    if (config === undefined || configs.has(config)) continue;
    const sizes = await Promise.all([...new Set([config, ...layers])].map(async (digest) => await layout.blobs.size(digest)));
    const platform = sizes[0] === undefined ? undefined : await platformOf(layout, config, sizes[0]);
    found.push({
      digest: config,
      mediaType: IMAGE_CONFIG,
      ...(platform !== undefined && { platform }),
      size: sizes.reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0),
      ...(sizes[0] === undefined && { problem: "missing" as const }),
      names,
      file,
    });
  }
  return found;
}

async function platformOf(layout: Layout, digest: Digest, size: number): Promise<string | undefined> {
  try {
    const bytes = await layout.blobs.bytes({ mediaType: IMAGE_CONFIG, digest, size }, { maxBytes: MAX_CONFIG_BYTES });
    const config = parseJson(bytes, digest);
    if (!isRecord(config) || typeof config["os"] !== "string" || typeof config["architecture"] !== "string") return undefined;
    const { os, architecture, variant } = config;
    return formatPlatform({ os, architecture, ...(typeof variant === "string" && { variant }) });
  } catch (error) {
    // What cannot be read is reported by verify.
    if (isOcilotError(error)) return undefined;
    throw error;
  }
}
