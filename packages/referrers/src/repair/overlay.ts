import {
  type BlobStore,
  type Descriptor,
  type Digest,
  type IndexFile,
  Layout,
  OcilotError,
  type ReadBytesOptions,
  isOcilotError,
} from "@ocilot/layout";
import { type Content, checkContent } from "../verify/blob-content.js";

/** A blob that another layout has. `size` is that of its file, in bytes. */
export interface Offer {
  readonly source: Layout;
  readonly size: number;
}

/** A layout as it would be with the blobs of others; nothing is written. */
export interface Overlay {
  readonly layout: Layout;
  /** Returns a whole copy of a blob; undefined if no other layout has one. */
  offer(digest: Digest): Promise<Offer | undefined>;
  /** Returns the state of a blob in the layout itself. */
  own(digest: Digest): Promise<Content>;
}

/**
 * Returns a layout with the blobs of others behind its own. Every blob is hashed before it is used, at most once.
 * @param known the states of the layout's own blobs, as far as they are known
 */
export function overlay(target: Layout, sources: readonly Layout[], known: ReadonlyMap<Digest, Content>, signal?: AbortSignal): Overlay {
  const owned = new Map(known);
  const offers = new Map<Digest, Offer | undefined>();
  const result: Overlay = {
    layout: new Layout({
      location: target.location,
      marker: markerOf(target),
      index: readOnly(target.index),
      blobs: blobs(),
      dockerDocuments: async () => await target.dockerDocuments(),
    }),
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

  /** Returns the layout that has the blob whole, or the target if none has, so that its own error is thrown. */
  async function holder(digest: Digest): Promise<Layout> {
    if ((await own(digest)).state === "whole") return target;
    return (await offer(digest))?.source ?? target;
  }

  function blobs(): BlobStore {
    const refuse = async (): Promise<never> => {
      throw new OcilotError("WRITE_REFUSED", "a plan writes nothing", { reason: "plan" });
    };
    const bytes = async (d: Descriptor, options?: ReadBytesOptions): Promise<Uint8Array> =>
      await (await holder(d.digest)).blobs.bytes(d, options);
    return {
      has: async (digest) => (await target.blobs.has(digest)) || (await offer(digest)) !== undefined,
      size: async (digest) => await (await holder(digest)).blobs.size(digest),
      open: async (d, options) => await (await holder(d.digest)).blobs.open(d, options),
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
