import type { Convention } from "@ocilot/referrers";
import { expect, it } from "vitest";
import { everyLayout, statedBy } from "./every-layout.js";

/** The laws of `detect` and `read`. */
export function describeReading(convention: Convention, runs: { numRuns: number }): void {
  it("names the entries that use it, with a reason for each", async () => {
    await everyLayout(runs, async (view) => {
      const { entries, flags, problems } = await convention.detect(view);
      for (const { position, reason } of entries) {
        expect(view.entries[position]).toBeDefined();
        expect(reason).not.toBe("");
      }
      expect(new Set(entries.map((e) => `${e.position} ${e.reason}`)).size).toBe(entries.length);
      for (const flag of flags) expect(view.annotations).toHaveProperty([flag]);
      for (const { message } of problems) expect(message).not.toBe("");
    });
  });

  it("gives evidence for every edge that it reads, from an existing entry", async () => {
    await everyLayout(runs, async (view) => {
      for (const edge of await convention.read(view)) {
        expect(edge.evidence).not.toHaveLength(0);
        for (const { position } of edge.evidence) if (position !== undefined) expect(view.entries[position]).toBeDefined();
      }
    });
  });

  it("reads S-edges only under the subject that the manifest names", async () => {
    await everyLayout(runs, async (view) => {
      for (const edge of await convention.read(view)) {
        if (edge.link !== "S" || !edge.verified) continue;
        const [node] = await view.nodes([edge.referrer]);
        expect(node).toMatchObject({ state: "read", manifest: { subject: { digest: edge.subject } } });
      }
    });
  });

  it("reads the same twice", async () => {
    await everyLayout(runs, async (view) => expect(await statedBy(convention, view)).toEqual(await statedBy(convention, view)));
  });
}
