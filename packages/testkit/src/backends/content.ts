import { type Descriptor, type Digest, IMAGE_CONFIG, IMAGE_MANIFEST, type Layout, digestOf } from "@ocilot/layout";
import { LayoutBuilder } from "../layout-builder.js";

/** A digest that no layout of these tests has. */
export const UNKNOWN: Digest = digestOf(new TextEncoder().encode("in no layout"));
/** A layer that no store reads in one piece. */
export const BIG: Buffer = Buffer.alloc(3_000_000, "0123456789abcdef");

/** What the tests are about. */
export interface Content {
  readonly builder: LayoutBuilder;
  readonly image: Descriptor;
  readonly child: Descriptor;
  readonly referrer: Descriptor;
  readonly nested: Descriptor;
  readonly sha512: Descriptor;
  readonly layer: Descriptor;
}

/** Returns an image with a platform, a referrer of it and one of that, and an image under a sha512 digest. */
export function makeContent(): Content {
  const builder = new LayoutBuilder();
  const config = builder.blob('{"architecture":"amd64","os":"linux"}', IMAGE_CONFIG);
  const layer = builder.blob(BIG, "application/vnd.oci.image.layer.v1.tar");
  const child = builder.document({ schemaVersion: 2, mediaType: IMAGE_MANIFEST, config, layers: [layer] }, IMAGE_MANIFEST);
  const image = builder.imageIndex([{ ...child, platform: { os: "linux", architecture: "amd64" } }]);
  const referrer = builder.referrer(image, { annotations: { no: "1" } });
  const nested = builder.referrer(referrer);
  const sha512 = builder.image({ algorithm: "sha512" });
  builder.entry(image, { tag: "v1" }).entry(sha512, { tag: "sha512" }).listed(referrer).listed(nested);
  return { builder, image, child, referrer, nested, sha512, layer };
}

/** A backend with that content. */
export interface Subject {
  readonly content: Content;
  readonly layout: Layout;
  /** Another backend of the kind, in the place of the one at hand. */
  open(builder: LayoutBuilder): Promise<Layout>;
}
