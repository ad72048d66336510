import { attach, detach, openView, readGraph } from "@ocilot/referrers";
import { fixtureLayout, fixtureNames } from "@ocilot/testkit";
import { describe, expect, test } from "vitest";
import { linksOf } from "./helpers.js";

const NAMES = [...fixtureNames("layouts").map((n) => `layouts/${n}`), ...fixtureNames("edge").map((n) => `edge/${n}`)];

describe.each(NAMES)("detach in %s", (name) => {
  test("takes one link out of every convention, and no other", async () => {
    const layout = fixtureLayout(name);
    const known = async (): Promise<Record<string, string[]>> => linksOf((await readGraph(await openView(layout, { scan: true }))).edges());
    for (const [subject, referrers] of Object.entries(await known())) {
      for (const referrer of referrers) {
        const before = await known();
        const { text } = await layout.index.read();
        const done = await detach(layout, referrer as never).then(
          () => true,
          () => false,
        );
        const after = await known();
        if (!done) {
          expect((await layout.index.read()).text).toBe(text);
          expect(after).toEqual(before);
          continue;
        }
        const expected = { ...before, [subject]: before[subject]!.filter((r) => r !== referrer) };
        if (expected[subject]!.length === 0) delete expected[subject];
        for (const [key, list] of Object.entries(expected)) expected[key] = list.filter((r) => r !== referrer);
        expect(after).toEqual(Object.fromEntries(Object.entries(expected).filter(([, list]) => list.length > 0)));
      }
    }
  });

  test("takes back what attach did", async () => {
    const layout = fixtureLayout(name);
    const before = linksOf((await readGraph(await openView(layout))).edges());
    const subject = (await layout.index.read()).entries[0]?.descriptor.digest;
    if (subject === undefined || !(await layout.blobs.has(subject))) return;
    const made = await attach(layout, subject, { artifactType: "application/vnd.example.brief" }).catch(() => undefined);
    if (made === undefined) return;
    await detach(layout, made.digest);
    const after = linksOf((await readGraph(await openView(layout))).edges());
    expect(after).toMatchObject(before);
    expect(after[subject] ?? []).not.toContain(made.digest);
    expect(await layout.blobs.has(made.digest)).toBe(false);
  });
});
