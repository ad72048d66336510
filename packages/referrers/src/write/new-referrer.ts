import type { BlobSource } from "@ocilot/layout/web";
import { describeNotationSignature } from "./notation-manifest.js";
import { describeSigstoreBundle } from "./sigstore-bundle-manifest.js";

/** One file of a new artifact. */
export interface ArtifactLayer {
  /** The content. A function is called again if the blob has to be stored a second time; a stream can be read only once. */
  readonly source: BlobSource | (() => BlobSource);
  readonly mediaType: string;
  /** The file name for extraction; a base name. */
  readonly title?: string;
}

/** An artifact whose manifest is to be created. */
export interface NewArtifact {
  readonly artifactType: string;
  readonly layers?: readonly ArtifactLayer[];
  readonly annotations?: Readonly<Record<string, string>>;
  /** RFC 3339; without it no time is recorded, so that the same input gives the same digest. */
  readonly created?: string;
}

/** A sigstore bundle, such as `cosign sign --bundle` writes it, to be attached in the form in which cosign 3 finds it. */
export interface NewSigstoreBundle {
  readonly sigstoreBundle: Uint8Array;
  /** Besides those of the form. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** RFC 3339; without it no time is recorded. */
  readonly created?: string;
}

/** A signature of notation, JWS or COSE, to be attached in the form in which notation finds it. */
export interface NewNotationSignature {
  readonly notationSignature: Uint8Array;
  /** Besides those of the form. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** RFC 3339; without it no time is recorded. */
  readonly created?: string;
}

/** An artifact to be created, a signature in the form of its tool, or an existing manifest that is stored byte for byte. */
export type NewReferrer =
  | NewArtifact
  | NewSigstoreBundle
  | NewNotationSignature
  | { readonly manifest: Uint8Array; readonly mediaType?: string };

/** The layers of a referrer that have to be stored for it. @throws OcilotError `DOCUMENT_INVALID` for what is no such signature */
export function layersOf(referrer: NewReferrer): readonly ArtifactLayer[] {
  if ("manifest" in referrer) return [];
  if ("sigstoreBundle" in referrer) {
    const source = referrer.sigstoreBundle;
    return [{ source, mediaType: describeSigstoreBundle(source).mediaType }];
  }
  if ("notationSignature" in referrer) {
    const source = referrer.notationSignature;
    return [{ source, mediaType: describeNotationSignature(source).mediaType }];
  }
  return referrer.layers ?? [];
}
