import {
  CONTAINERD_IMAGE_NAME,
  CONTAINERD_SUBJECT,
  DOCKER_REFERENCE_DIGEST,
  DOCKER_REFERENCE_TYPE,
  type Descriptor,
  type Digest,
  IMAGE_CONFIG,
  IMAGE_MANIFEST,
  IMAGE_SPEC_CONVERT,
  IMAGE_SPEC_SUBJECT,
  KIND,
  OLAREG_CONVERT,
  OLAREG_SUBJECT,
} from "@ocilot/layout";
import { type LinkClass, referrersTag } from "@ocilot/referrers";
import { LayoutBuilder } from "@ocilot/testkit";

export const SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json";
export const DSSE = "application/vnd.dsse.envelope.v1+json";
export const SPDX = "text/spdx+json";
export const BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json";

let count = 0;

/** An image as cosign attaches it: one layer of the given type under an image config. */
export function cosignImage(builder: LayoutBuilder, layerType: string, subject?: Descriptor): Descriptor {
  const config = builder.blob(
    JSON.stringify({ architecture: "", os: "", rootfs: { type: "layers", diff_ids: [] }, no: count++ }),
    IMAGE_CONFIG,
  );
  const layers = [builder.blob(`signed ${count}`, layerType)];
  return builder.document(
    { schemaVersion: 2, mediaType: IMAGE_MANIFEST, config, layers, ...(subject && { subject: bare(subject) }) },
    IMAGE_MANIFEST,
  );
}

/** The tag of cosign for a subject. */
export function tagOf(subject: Descriptor, suffix: string): string {
  return `${subject.digest.replace(":", "-")}.${suffix}`;
}

/** BuildKit's annotations on the child that describes `subject`. */
export function describing(child: Descriptor, subject: Descriptor | { digest: string }, type = "attestation-manifest"): Descriptor {
  return { ...child, annotations: { [DOCKER_REFERENCE_DIGEST]: subject.digest, [DOCKER_REFERENCE_TYPE]: type } };
}

export function bare({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}

export interface EveryClass {
  readonly builder: LayoutBuilder;
  readonly root: Descriptor;
  /** The class of every link, by its referrer. */
  readonly classes: ReadonlyMap<Digest, LinkClass>;
}

/** One layout in which every convention has records of its own, and every class of link occurs. */
export function everyClass(): EveryClass {
  count = 0;
  const builder = new LayoutBuilder();
  const classes = new Map<Digest, LinkClass>();
  const as = (linkClass: LinkClass, d: Descriptor): Descriptor => (classes.set(d.digest, linkClass), d);
  const referrer = (subject: Descriptor, options = {}): Descriptor => as("subject", builder.referrer(subject, options));
  const amd = builder.image();
  const arm = builder.image();
  const inline = referrer(amd);
  const inlineOld = as("bare", builder.image());
  const root = builder.imageIndex([
    { ...amd, platform: { architecture: "amd64", os: "linux" } },
    { ...arm, platform: { architecture: "arm64", os: "linux" } },
    describing(inline, amd),
    describing(inlineOld, arm),
  ]);
  // hauler
  const names = { [CONTAINERD_IMAGE_NAME]: "docker.io/library/app:v1" };
  builder.entry(root, { tag: "app:v1", annotations: { ...names, [KIND]: "dev.hauler/imageIndex" } });
  builder.entry(as("cosign", cosignImage(builder, SPDX)), { tag: "app:v1", annotations: { ...names, [KIND]: "dev.hauler/sboms" } });
  const hauled = referrer(root);
  builder.entry(hauled, { tag: "app:v1", annotations: { ...names, [KIND]: `dev.hauler/referrers/${hauled.digest.slice(7)}` } });
  // cosign save, with a bundle that nothing lists
  builder.entry(root, { annotations: { [KIND]: "dev.cosignproject.cosign/imageIndex" } });
  builder.entry(as("cosign", cosignImage(builder, DSSE)), { annotations: { [KIND]: "dev.cosignproject.cosign/atts" } });
  referrer(root, { artifactType: BUNDLE });
  // cosign's tags
  builder.entry(as("cosign", cosignImage(builder, SIMPLE_SIGNING)), { tag: tagOf(root, "sig") });
  builder.entry(as("cosign-subject", cosignImage(builder, SIMPLE_SIGNING, amd)), { tag: tagOf(amd, "sig") });
  // entries of their own: plain, of a child, of a referrer, an index, withdrawn types, of an absent subject, tagged
  const plain = referrer(root);
  const absentSubject = builder.image();
  for (const d of [plain, referrer(amd), referrer(plain), referrer(root, { shape: "index" }), referrer(absentSubject)]) builder.listed(d);
  builder.listed(referrer(root, { shape: "artifact" }));
  builder.listed(as("oras-artifact", builder.referrer(root, { shape: "oras-artifact" })));
  builder.entry(referrer(root), { tag: "sbom-of-app" });
  builder.forget(absentSubject);
  // containerd: with and without a subject behind the annotation
  builder.listed(referrer(root), { [CONTAINERD_SUBJECT]: root.digest });
  builder.entry(as("bare", builder.image()), { annotations: { [CONTAINERD_SUBJECT]: root.digest } });
  // lists, one of them with a line that cannot be verified
  const absent = as("absent", builder.referrer(root));
  builder.entry(builder.list([referrer(root), absent]), { tag: referrersTag(root.digest) });
  builder.forget(absent);
  builder.entry(builder.list([referrer(amd)]), { annotations: { [OLAREG_SUBJECT]: amd.digest } });
  builder.entry(builder.list([referrer(arm)]), { annotations: { [IMAGE_SPEC_SUBJECT]: arm.digest } });
  builder.annotate({ [OLAREG_CONVERT]: "true", [IMAGE_SPEC_CONVERT]: "true" });
  return { builder, root, classes };
}
