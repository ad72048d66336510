import type { Readable } from "node:stream";
import { type BlobStore, type Descriptor, type Digest, type IndexFile, Layout, OcilotError, isOcilotError } from "@ocilot/layout";
import { type Content, checkContent } from "../verify/content.js";

/** A blob that another layout can give. `size` is that of the file there. */
export interface Offer {
  readonly source: Layout;
  readonly size: number;
}

/** A layout as it would be with the blobs that others can give; nothing is written. */
export interface Overlay {
  readonly layout: Layout;
  /** Finds a whole copy of a blob that the layout itself lacks or has damaged; undefined if nobody has one. */
  offer(digest: Digest): Promise<Offer | undefined>;
  /** What the layout itself has under a digest. */
  own(digest: Digest): Promise<Content>;
}

/**
 * Lays other layouts under one. Every blob is hashed before it counts as there, each at most once.
 * @param known what was found out about the layout's own blobs already
 */
export function overlay(target: Layout, sources: readonly Layout[], known: ReadonlyMap<Digest, Content>, signal?: AbortSignal): Overlay {
  const owned = new Map(known);
  const offers = new Map<Digest, Offer | undefined>();
  const result: Overlay = {
    layout: new Layout({ location: target.location, marker: markerOf(target), index: readOnly(target.index), blobs: blobs() }),
    own,
    offer,
  };
  return result;

  async function own(digest: Digest): Promise<Content> {
    let content = owned.get(digest);
    if (content === undefined) {
      content = (await checkContent(target, [digest], { signal, workers: 0 })).get(digest)!;
      owned.set(digest, content);
    }
    return content;
  }

  async function offer(digest: Digest): Promise<Offer | undefined> {
    if (offers.has(digest)) return offers.get(digest);
    let found: Offer | undefined;
    for (const source of sources) {
      const content = (await checkContent(source, [digest], { signal, workers: 0 })).get(digest);
      if (content?.state !== "whole") continue;
      found = { source, size: content.size };
      break;
    }
    offers.set(digest, found);
    return found;
  }

  /** The layout that has the blob whole; the target where nobody has, so that its own error comes out. */
  async function holder(digest: Digest): Promise<Layout> {
    if ((await own(digest)).state === "whole") return target;
    return (await offer(digest))?.source ?? target;
  }

  function blobs(): BlobStore {
    const refuse = async (): Promise<never> => {
      throw new OcilotError("WRITE_REFUSED", "a plan writes nothing", { reason: "plan" });
    };
    const bytes = async (d: Descriptor, options?: { maxBytes?: number }): Promise<Uint8Array> =>
      await (await holder(d.digest)).blobs.bytes(d, options);
    return {
      has: async (digest) => (await target.blobs.has(digest)) || (await offer(digest)) !== undefined,
      size: async (digest) => await (await holder(digest)).blobs.size(digest),
      open: async (d): Promise<Readable> => await (await holder(d.digest)).blobs.open(d),
      bytes,
      bytesMany: async (ds, options) =>
        await Promise.all(
          ds.map((d) =>
            bytes(d, options).catch((error: unknown) => {
              if (isOcilotError(error) && error.code !== "ABORTED") return error;
              throw error;
            }),
          ),
        ),
      async *list() {
        yield* target.blobs.list();
      },
      put: refuse,
      delete: refuse,
    };
  }
}

function readOnly(index: IndexFile): IndexFile {
  return {
    read: async () => await index.read(),
    update: async () => {
      throw new OcilotError("WRITE_REFUSED", "a plan writes nothing", { reason: "plan" });
    },
  };
}

function markerOf(layout: Layout): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ imageLayoutVersion: layout.version }));
}
