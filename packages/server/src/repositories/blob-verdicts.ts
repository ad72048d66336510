import { fstatSync } from "node:fs";
import { type BlobExtent, BlobMover, type Descriptor, type Layout } from "@ocilot/layout";

const MAX_VERDICTS = 100_000;

/**
 * Which blobs have been found whole. Each file is hashed once: device, inode, time, size and place in the file say whether it is
 * still the same. Requests that arrive while a file is being hashed wait for that one pass.
 */
export class BlobVerdicts {
  readonly #verdicts: Map<string, Promise<void>> = new Map();
  readonly #corrupt: Set<string> = new Set();

  /**
   * Resolves when the blob at `extent` is known to be whole.
   * @throws OcilotError `BLOB_CORRUPT`, `SIZE_MISMATCH`, `IO_ERROR`
   */
  async check(layout: Layout, d: Descriptor, extent: BlobExtent): Promise<void> {
    const key = keyOf(d, extent);
    const known = this.#verdicts.get(key);
    if (known !== undefined) return await known;
    const verdict = hash(layout, d);
    this.#remember(key, verdict);
    // A failure to read is no verdict; the next one who asks tries again.
    verdict.catch((error: unknown) => {
      if (isVerdict(error)) this.#corrupt.add(key);
      else this.#verdicts.delete(key);
    });
    await verdict;
  }

  /**
   * Refuses a blob that has been found damaged, and the sooner the better: before anything of it is sent.
   * @throws OcilotError `BLOB_CORRUPT`, `SIZE_MISMATCH`
   */
  async refuseCorrupt(d: Descriptor, extent: BlobExtent): Promise<void> {
    if (this.#corrupt.has(keyOf(d, extent))) await this.#verdicts.get(keyOf(d, extent));
  }

  /** Notes that a blob is whole: its bytes were hashed when they came in. */
  trust(d: Descriptor, extent: BlobExtent): void {
    this.#remember(keyOf(d, extent), Promise.resolve());
  }

  #remember(key: string, verdict: Promise<void>): void {
    if (this.#verdicts.size >= MAX_VERDICTS) {
      const oldest = this.#verdicts.keys().next().value!;
      this.#verdicts.delete(oldest);
      this.#corrupt.delete(oldest);
    }
    this.#verdicts.set(key, verdict);
  }
}

/** Opens the file once more, so that the caller may close its own descriptor. */
async function hash(layout: Layout, d: Descriptor): Promise<void> {
  const extent = await layout.blobs.extent?.(d);
  if (extent === undefined) return;
  const mover = new BlobMover([d.size], { threads: 0 });
  try {
    await mover.move(extent, d);
  } finally {
    mover.close();
    extent.close();
  }
}

function keyOf(d: Descriptor, { fd, offset }: BlobExtent): string {
  const { dev, ino, mtimeNs, size } = fstatSync(fd, { bigint: true });
  return `${d.digest} ${dev} ${ino} ${mtimeNs} ${size} ${offset}`;
}

function isVerdict(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "BLOB_CORRUPT" || error.code === "SIZE_MISMATCH");
}
