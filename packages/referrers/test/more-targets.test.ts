import type { Layout } from "@ocilot/layout";
import { convert, edgeKey, planConversion } from "@ocilot/referrers";
import { blobHashes, fixtureLayout, fixtureNames } from "@ocilot/testkit";
import { describe, expect, it } from "vitest";
import { edgesIn, tagsIn } from "./reading.js";

const FIXTURES = [...fixtureNames("layouts").map((n) => `layouts/${n}`), ...fixtureNames("edge").map((n) => `edge/${n}`)];

async function keysIn(layout: Layout): Promise<string[]> {
  return (await edgesIn(layout, true)).map(edgeKey);
}

describe.each(["cosign-tags", "cosign-save", "hauler"] as const)("every fixture on its way to %s", (to) => {
  describe.each([false, true])("only: %s", (only) => {
    it.each(FIXTURES)("%s keeps its links, tags and blobs, or is refused untouched", async (name) => {
      const layout = fixtureLayout(name);
      const before = { keys: await keysIn(layout), tags: await tagsIn(layout), blobs: await blobHashes(layout) };
      const { text } = await layout.index.read();
      const plan = await planConversion(layout, { to, only });
      expect((await layout.index.read()).text).toBe(text);
      if (plan.refusals.length > 0) {
        for (const reason of plan.refusals) expect(reason).toMatch(/sha256|sha512|this one has none|index\.json/);
        await expect(convert(layout, { to, only })).rejects.toThrow(/not converted/);
        expect((await layout.index.read()).text).toBe(text);
        return;
      }
      await convert(layout, { to, only });
      expect(await keysIn(layout)).toEqual(before.keys);
      const tags = await tagsIn(layout);
      for (const tag of before.tags.filter((t) => !/^sha(256|512)-[0-9a-f]{64}$/.test(t))) expect(tags).toContain(tag);
      const blobs = await blobHashes(layout);
      for (const [digest, hash] of before.blobs) expect(blobs.get(digest)).toBe(hash);
      expect((await convert(layout, { to, only })).changed).toBe(false);
    });
  });
});
