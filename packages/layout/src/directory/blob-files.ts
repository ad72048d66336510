import { lstatSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { isOcilotError } from "../errors.js";
import { type IdentifiedFile, identifyFile, identifyUnlinked } from "../filesystem/file-identity.js";
import { errnoOf, ioError } from "../filesystem/io-error.js";
import { Pace } from "../filesystem/pace.js";
import { type LinkRule, linkTarget } from "../filesystem/safe-open.js";
import { type Digest, blobPath, isDigest } from "../spec/digest.js";
import type { BlobListing } from "../storage.js";
import { type BlobDirectories, namesIn } from "./blob-directories.js";

/** The files of a layout's blobs, as `blobs/<algorithm>` lists them; their content is not read. */
export class BlobFiles {
  readonly #rule: LinkRule;
  readonly #directories: BlobDirectories;

  constructor(rule: LinkRule, directories: BlobDirectories) {
    this.#rule = rule;
    this.#directories = directories;
  }

  /** Lists by synchronous calls, which take a fifth of the time of a promise for each. */
  async *list(skip?: Pick<ReadonlySet<string>, "has">): AsyncIterable<BlobListing> {
    const pace = new Pace();
    for (const algorithm of await namesIn(join(this.#rule.root, "blobs"))) {
      const directory = join(this.#rule.root, "blobs", algorithm);
      for (const encoded of await namesIn(directory)) {
        const digest = `${algorithm}:${encoded}`;
        if (skip?.has(digest) === true || !isDigest(digest)) continue;
        if (pace.isDue) await pace.rest();
        const found = this.#listing(digest, directory, directory + sep + encoded);
        if (found !== undefined) yield found;
      }
    }
  }

  /** @throws OcilotError `LINK_OUTSIDE`; file-system errors as they come */
  identify(path: string): IdentifiedFile | undefined {
    return this.#identify(dirname(path), path);
  }

  /** Undefined for a link out of the layout that is not followed: it is not content of the layout. */
  #listing(digest: Digest, directory: string, path: string): BlobListing | undefined {
    try {
      const found = this.#identify(directory, path);
      return found && { digest, size: found.size, modified: found.mtimeMs, file: found.identity };
    } catch (error) {
      if (isOcilotError(error, "LINK_OUTSIDE") || errnoOf(error) === "ENOENT") return undefined;
      throw ioError(error, blobPath(digest));
    }
  }

  #identify(directory: string, path: string): IdentifiedFile | undefined {
    this.#directories.check(directory);
    const own = identifyUnlinked(path);
    if (own !== "link") return own;
    // The age of a link is its own: its target may be older than the decision to keep the name.
    const found = identifyFile(linkTarget(this.#rule, path));
    return found && { ...found, mtimeMs: lstatSync(path).mtimeMs };
  }
}
