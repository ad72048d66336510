import { type Descriptor, IMAGE_MANIFEST, Layout } from "@ocilot/layout";

const IMAGE_CONFIG = "application/vnd.oci.image.config.v1+json";

/** Stores a small image manifest; images of different names differ. */
export async function putImage(layout: Layout, name: string): Promise<Descriptor> {
  const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
  const config = await layout.blobs.put(bytes({ architecture: "amd64", os: "linux", config: { Labels: { name } } }), {
    mediaType: IMAGE_CONFIG,
  });
  return await layout.blobs.put(bytes({ schemaVersion: 2, mediaType: IMAGE_MANIFEST, config, layers: [] }), { mediaType: IMAGE_MANIFEST });
}

/** A new layout in `dir` with one image under the tag v1. */
export async function makeLayout(dir: string): Promise<Descriptor> {
  const layout = await Layout.create(dir, { sync: false });
  const image = await putImage(layout, "first");
  await layout.tag(image, "v1");
  return image;
}
