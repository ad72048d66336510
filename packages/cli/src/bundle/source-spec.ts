/** Something to bundle, before it is looked at. */
export type SourceSpec =
  | { readonly kind: "layout"; readonly text: string }
  | {
      readonly kind: "repository";
      /** `docker://HOST/REPOSITORY[:TAG][@DIGEST]`; the tag may be a pattern with `*`. */
      readonly text: string;
      /** Tags that match, instead of one in `text`. */
      readonly regex?: string;
      /** Tags that are versions in this range, instead of one in `text`. */
      readonly range?: string;
      readonly platform?: string;
    };

/** What a list of images asks for. */
export interface ImageList {
  readonly specs: readonly SourceSpec[];
  /** What the list says besides, of which no use is made. */
  readonly unused: readonly string[];
}

/** Reads a source as it is named on the command line: a layout, a tar, or `docker://`; in a list an image name alone is `docker://`. */
export function sourceOf(text: string): SourceSpec {
  if (text.startsWith("docker://")) return { kind: "repository", text };
  if (/^(?:oci:|ocidir:|oci-archive:|docker-archive:|\.{0,2}\/|~|-$)/.test(text) || /\.(?:tar|tgz|tzst|gz|zst)(?:$|:)/i.test(text))
    return { kind: "layout", text };
  return { kind: "repository", text: `docker://${text}` };
}
