import { type Descriptor, type Digest, IMAGE_INDEX, descriptorNode, descriptorsText, goJson } from "@ocilot/layout/spec";
import type { ReferrerEdge } from "./edge.js";
import type { NewBlob } from "./view.js";

/**
 * The line of a referrer in a referrers response, exactly as a registry would compute it from the manifest.
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
 */
export function responseLine(edge: ReferrerEdge): Descriptor {
  const { mediaType, digest, size } = edge.referrer;
  return {
    mediaType,
    digest,
    size,
    ...(Object.keys(edge.annotations).length > 0 && { annotations: edge.annotations }),
    ...(edge.artifactType !== undefined && { artifactType: edge.artifactType }),
  };
}

/** Lines in one piece of {@link responsePieces}. */
const PIECE = 1000;

/** The text of a referrers response: byte for byte what regclient and olareg write for these lines in this order. */
export function responseText(lines: readonly Descriptor[]): string {
  return [...responsePieces(lines, (line) => line)].join("");
}

/** {@link responseText} piece by piece, for a response that need not be in memory as a whole. */
export function* responsePieces<T>(items: readonly T[], lineOf: (item: T) => Descriptor): Iterable<string> {
  yield `{"schemaVersion":2,"mediaType":"${IMAGE_INDEX}","manifests":[`;
  for (let start = 0; start < items.length; start += PIECE) {
    const text = descriptorsText(items.slice(start, start + PIECE).map(lineOf));
    yield `${start > 0 ? "," : ""}${text.slice(1, -1)}`;
  }
  yield "]}";
}

/** The response as a blob on its way into a layout. */
export function responseBlob(lines: readonly Descriptor[], digestOf: (text: string) => Digest): NewBlob {
  const text = responseText(lines);
  return { text, descriptor: { mediaType: IMAGE_INDEX, digest: digestOf(text), size: new TextEncoder().encode(text).length } };
}

/** Tells whether two lines say the same; olareg 0.2.2 hangs on a list with a line that says anything else. */
export function sameLine(a: Descriptor, b: Descriptor): boolean {
  if (a.digest !== b.digest || a.size !== b.size || a.mediaType !== b.mediaType) return false;
  if (isPlain(a) && isPlain(b) && a.artifactType === b.artifactType && sameStrings(a.annotations ?? {}, b.annotations ?? {})) return true;
  return goJson(descriptorNode(a)) === goJson(descriptorNode(b));
}

function isPlain(d: Descriptor): boolean {
  return d.urls === undefined && d.data === undefined && d.platform === undefined;
}

function sameStrings(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}
