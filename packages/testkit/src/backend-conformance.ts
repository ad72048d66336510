import { Layout, type LayoutBackend } from "@ocilot/layout";
import { afterEach, beforeEach, describe } from "vitest";
import { describeWriting } from "./backends/blob-writing.js";
import { describeBlobs } from "./backends/blobs.js";
import { type Content, type Subject, makeContent } from "./backends/content.js";
import { describeIndex } from "./backends/index-reading.js";
import { describeUpdates } from "./backends/index-updates.js";
import { describeReferrers } from "./backends/referrers.js";
import { describeRefusals } from "./backends/refusals.js";
import type { LayoutBuilder } from "./layout-builder.js";

/** What makes a backend for one test out of the content of a builder, as it is: some digests may be wrong. */
export type MakeBackend = (content: LayoutBuilder) => Promise<{ readonly backend: LayoutBackend; dispose?(): Promise<void> }>;

export interface BackendTraits {
  /** False for a backend that refuses every write. */
  readonly writable?: boolean;
  /** False where an entry of `index.json` is no more than a digest, and perhaps a tag. */
  readonly keepsEntries?: boolean;
}

/** The tests that every backend of a layout must pass. */
export function backendConformance(name: string, make: MakeBackend, traits: BackendTraits = {}): void {
  describe(`the backend ${name}`, () => {
    let content: Content;
    let layout: Layout;
    let dispose: (() => Promise<void>) | undefined;
    const open = async (builder: LayoutBuilder): Promise<Layout> => {
      await dispose?.();
      const made = await make(builder);
      dispose = async () => {
        await made.backend.close?.();
        await made.dispose?.();
      };
      return new Layout(made.backend);
    };
    beforeEach(async () => {
      content = makeContent();
      layout = await open(content.builder);
    }, 120_000);
    afterEach(async () => {
      await dispose?.();
      dispose = undefined;
    }, 120_000);
    const current = (): Subject => ({ content, layout, open });
    describeBlobs(current);
    describeIndex(current);
    if (traits.writable === false) describeRefusals(current);
    else {
      describeWriting(current);
      describeUpdates(current, traits);
      describeReferrers(current);
    }
  });
}
