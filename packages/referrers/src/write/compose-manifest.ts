import { type Descriptor, type Digest, IMAGE_MANIFEST, type Layout, OcilotError, digestOf, parseManifest } from "@ocilot/layout/web";
import type { NewBlob } from "../view/layout-view.js";
import { EMPTY_BLOB, artifactManifest } from "./artifact-manifest.js";
import type { NewReferrer } from "./new-referrer.js";
import { describeNotationSignature, notationManifest } from "./notation-manifest.js";
import { describeSigstoreBundle, sigstoreBundleManifest } from "./sigstore-bundle-manifest.js";

/** The manifest of a new referrer, and the blobs that have to be stored for it. */
export interface ComposedManifest {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
  /** The manifest as a planned blob, so that it can be recorded before it is stored. */
  readonly planned: NewBlob;
  /** Blobs besides the layers that the manifest references. */
  readonly needs: readonly NewBlob[];
}

/** The manifest of a referrer: the given one as it is, or a new one over these layers. */
export async function composeManifest(
  referrer: NewReferrer,
  layers: readonly Descriptor[],
  subject: () => Promise<Descriptor>,
): Promise<ComposedManifest> {
  if ("manifest" in referrer) return composed(referrer.manifest, referrer.mediaType ?? IMAGE_MANIFEST, []);
  const { annotations, created } = referrer;
  const time = created === undefined ? {} : { created };
  if ("sigstoreBundle" in referrer || "notationSignature" in referrer) {
    const [layer] = layers;
    const parts = { layer: layer!, subject: await subject(), ...time };
    const text =
      "sigstoreBundle" in referrer
        ? sigstoreBundleManifest({ ...parts, ...withAnnotations(describeSigstoreBundle(referrer.sigstoreBundle), annotations) })
        : notationManifest({ ...parts, ...withAnnotations(describeNotationSignature(referrer.notationSignature), annotations) });
    return composed(new TextEncoder().encode(text), IMAGE_MANIFEST, [EMPTY_BLOB]);
  }
  const { artifactType } = referrer;
  const text = artifactManifest({
    artifactType,
    layers,
    subject: await subject(),
    ...(annotations !== undefined && { annotations }),
    ...time,
  });
  return composed(new TextEncoder().encode(text), IMAGE_MANIFEST, [EMPTY_BLOB]);
}

/** The annotations of the form weigh more than those of the caller: tools choose by them. */
function withAnnotations<T extends { readonly annotations: Readonly<Record<string, string>> }>(
  form: T,
  more: Readonly<Record<string, string>> | undefined,
): T {
  return { ...form, annotations: { ...more, ...form.annotations } };
}

function composed(bytes: Uint8Array, mediaType: string, needs: readonly NewBlob[]): ComposedManifest {
  const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
  return { descriptor, bytes, planned: { descriptor, text: new TextDecoder().decode(bytes) }, needs };
}

/**
 * Checks that a manifest names the subject by the media type, digest and size that it really has: readers compare all three.
 * @throws OcilotError `WRITE_REFUSED`, `DOCUMENT_INVALID`
 */
export async function checkSubject(layout: Layout, { bytes, descriptor }: ComposedManifest, subject: Digest): Promise<void> {
  const { mediaType, digest } = descriptor;
  const named = parseManifest(bytes, mediaType, digest).subject;
  if (named === undefined) throw notReferrer(digest, "it has no subject");
  if (named.digest !== subject) throw notReferrer(digest, `its subject is ${named.digest}, not ${subject}`);
  const size = await layout.blobs.size(subject);
  if (size === undefined) return;
  const actual = await layout.resolve(`@${subject}`);
  if (named.size !== size) throw notReferrer(digest, `its subject is given as ${named.size} bytes and has ${size}`);
  if (named.mediaType !== actual.mediaType)
    throw notReferrer(digest, `its subject is given as ${named.mediaType} and is ${actual.mediaType}`);
}

/** Says that a manifest is no referrer of the subject that it was to be attached to. */
export function notReferrer(digest: Digest, why: string): OcilotError<"WRITE_REFUSED"> {
  return new OcilotError(
    "WRITE_REFUSED",
    `${digest} is not attached: ${why}`,
    { reason: "not-a-referrer" },
    { hint: "Give a manifest whose subject is the one that it is attached to." },
  );
}
