import { type Digest, isDigest, splitDigest } from "@ocilot/layout/spec";
import { referrersTag } from "@ocilot/referrers";

const COSIGN_TAG = /^(sha256|sha512)-([0-9a-f]{64,128})\.(sig|att|sbom)$/;
const LIST_TAG = /^(?:sha256|sha512)-[0-9a-f]{64,128}$/;

/** The tags of a repository, sorted by what they are for; found without a request for each. */
export class SpecialTags {
  readonly #tags: ReadonlySet<string>;
  readonly #cosign: ReadonlyMap<string, readonly string[]>;

  constructor(tags: Iterable<string>) {
    this.#tags = new Set(tags);
    const cosign = new Map<string, string[]>();
    for (const tag of this.#tags) {
      const match = COSIGN_TAG.exec(tag);
      if (match === null) continue;
      const image = `${match[1]}:${match[2]}`;
      cosign.set(image, [...(cosign.get(image) ?? []), tag]);
    }
    this.#cosign = cosign;
  }

  has(tag: string): boolean {
    return this.#tags.has(tag);
  }

  /** The tags under which a registry may keep the list of a subject's referrers: as the specification cuts it, and uncut. */
  listsOf(subject: Digest): string[] {
    return [...new Set([referrersTag(subject), subject.replace(":", "-")])].filter((tag) => this.#tags.has(tag));
  }

  /** The tags of what cosign attached to an image. */
  cosignTagsOf(image: Digest): readonly string[] {
    const { algorithm, encoded } = splitDigest(image);
    // A tag has at most 128 characters, so that of a sha512 digest is cut.
    return this.#cosign.get(image) ?? this.#cosign.get(`${algorithm}:${encoded.slice(0, 64)}`) ?? [];
  }

  /** Tags that neither name a list of referrers by their form, nor what cosign attached. */
  ordinary(): string[] {
    return [...this.#tags].filter((tag) => !LIST_TAG.test(tag) && !COSIGN_TAG.test(tag));
  }

  /** Tags of the form of a list of referrers. */
  lists(): string[] {
    return [...this.#tags].filter((tag) => LIST_TAG.test(tag));
  }

  cosign(): string[] {
    return [...this.#cosign.values()].flat();
  }
}

/** The subject of a list by its tag; undefined where the tag is cut. */
export function subjectOfListTag(tag: string): Digest | undefined {
  const digest = tag.replace("-", ":");
  return isDigest(digest) ? digest : undefined;
}
