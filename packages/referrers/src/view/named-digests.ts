import { type Digest, EMPTY_JSON, IMAGE_CONFIG, isDigest, manifestKind } from "@ocilot/layout/spec";

/** Media types whose content is known to name no other blob of the layout. */
const LEAVES: ReadonlySet<string> = new Set([
  IMAGE_CONFIG,
  EMPTY_JSON,
  "application/vnd.docker.container.image.v1+json",
  "application/vnd.dev.cosign.simplesigning.v1+json",
  "application/vnd.in-toto+json",
  "application/spdx+json",
  "application/vnd.cyclonedx+json",
  "application/jose+json",
  "application/cose",
]);
const LEAF_FAMILIES =
  /^(?:text\/|application\/vnd\.oci\.image\.layer\.|application\/vnd\.docker\.image\.rootfs\.|application\/vnd\.dev\.sigstore\.bundle)/;

/**
 * Returns whether content of that media type may name other blobs in a way that ocilot does not know: it is neither a manifest
 * nor of a type that holds no references.
 */
export function mayNameBlobs(mediaType: string): boolean {
  return manifestKind(mediaType) === undefined && !LEAVES.has(mediaType) && !LEAF_FAMILIES.test(mediaType);
}

/** A digest as a string of its own, or a blob by its path, as Docker's `manifest.json` names it. */
const NAMED = /(?:"|blobs\/)([a-z0-9]+(?:[+._-][a-z0-9]+)*)[:/]([0-9a-fA-F]{32,128})(?=["\s]|$)/g;
/** No match is longer than this, in characters, escapes included. */
const OVERLAP = 1024;
const JSON_START = /^(?:\u00ef\u00bb\u00bf)?\s*[[{"]/;

/** Searches JSON of any form for digests, piece by piece. What does not begin like JSON names none. */
export class DigestSearch {
  readonly #found: Set<Digest> = new Set();
  readonly #decoder = new TextDecoder("latin1");
  #rest = "";
  #isJson: boolean | undefined;

  /** The digests found so far, each once. */
  get found(): readonly Digest[] {
    return [...this.#found];
  }

  /** Searches the next piece. Returns false if the document cannot name anything, so that nothing more has to be read. */
  add(bytes: Uint8Array): boolean {
    const text = this.#rest + this.#decoder.decode(bytes);
    this.#isJson ??= JSON_START.test(text);
    if (!this.#isJson) return false;
    for (const [, algorithm, encoded] of unescaped(text).matchAll(NAMED)) {
      const digest = `${algorithm}:${encoded}`;
      if (isDigest(digest)) this.#found.add(digest);
    }
    this.#rest = text.slice(-OVERLAP);
    return true;
  }
}

function unescaped(text: string): string {
  if (!text.includes("\\")) return text;
  return text.replace(/\\(?:u00([2-7][0-9a-fA-F])|\/)/g, (_, hex: string | undefined) =>
    hex === undefined ? "/" : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
