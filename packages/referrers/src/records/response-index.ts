import { type Descriptor, type Digest, IMAGE_INDEX, compareDigests, descriptorNode, descriptorsText, goJson } from "@ocilot/layout/spec";
import type { ReferrerEdge } from "../graph/edge.js";
import type { NewBlob } from "../view/layout-view.js";
import { isEmptyMap } from "./entry-annotations.js";

/**
 * The line of a referrer in a referrers response, exactly as a registry would compute it from the manifest.
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { openView, readGraph, responseDescriptor } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const view = await openView(layout);
 * const graph = await readGraph(view);
 * const image = await layout.resolve("v1");
 * console.log(graph.of(image.digest).map((edge) => responseDescriptor(edge).artifactType));
 * ```
 */
export function responseDescriptor(edge: ReferrerEdge): Descriptor {
  const { mediaType, digest, size } = edge.referrer;
  const line: { -readonly [Member in keyof Descriptor]: Descriptor[Member] } = { mediaType, digest, size };
  if (!isEmptyMap(edge.annotations)) line.annotations = edge.annotations;
  if (edge.artifactType !== undefined) line.artifactType = edge.artifactType;
  return line;
}

/** Lines in one piece of {@link responsePieces}. */
const PIECE = 100;

/**
 * The text of a referrers response: byte for byte what regclient and olareg write for these lines in this order.
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { openView, readGraph, responseDescriptor, responseText } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const view = await openView(layout);
 * const graph = await readGraph(view);
 * const image = await layout.resolve("v1");
 * console.log(responseText(graph.of(image.digest).map(responseDescriptor)));
 * ```
 */
export function responseText(lines: readonly Descriptor[]): string {
  return [...responsePieces(lines, (line) => line)].join("");
}

/**
 * {@link responseText} piece by piece, for a response that need not be in memory as a whole.
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { openView, readGraph, responseDescriptor, responsePieces } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const view = await openView(layout);
 * const graph = await readGraph(view);
 * const image = await layout.resolve("v1");
 * for (const piece of responsePieces(graph.of(image.digest), responseDescriptor)) process.stdout.write(piece);
 * ```
 */
export function* responsePieces<T>(items: readonly T[], lineOf: (item: T) => Descriptor): Iterable<string> {
  yield `{"schemaVersion":2,"mediaType":"${IMAGE_INDEX}","manifests":[`;
  for (let start = 0; start < items.length; start += PIECE) {
    if (start > 0) yield ",";
    // A part of a string is no copy of it; a longer string made of it would be.
    yield descriptorsText(items.slice(start, start + PIECE).map(lineOf)).slice(1, -1);
  }
  yield "]}";
}

/** The response as a blob on its way into a layout. */
export function responseBlob(lines: readonly Descriptor[], digestOf: (text: string) => Digest): NewBlob {
  return textBlob(responseText(lines), digestOf);
}

function textBlob(text: string, digestOf: (text: string) => Digest): NewBlob {
  return { text, descriptor: { mediaType: IMAGE_INDEX, digest: digestOf(text), size: new TextEncoder().encode(text).length } };
}

/** The response with lines for some more edges, which come last, by digest. @param text a response with at least one line */
export function continuedList(text: string, edges: readonly ReferrerEdge[], digestOf: (text: string) => Digest): NewBlob {
  const lines = edges.map(responseDescriptor).toSorted((a, b) => compareDigests(a.digest, b.digest));
  return textBlob(`${text.slice(0, -2)},${descriptorsText(lines).slice(1, -1)}]}`, digestOf);
}

/**
 * Tells whether two lines say the same; olareg 0.2.2 hangs on a list with a line that says anything else.
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { sameLine } from "@ocilot/referrers";
 *
 * const image = await (await Layout.open("./layout")).resolve("v1");
 * console.log(sameLine(image, { ...image, artifactType: "text/plain" })); // false
 * ```
 */
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
