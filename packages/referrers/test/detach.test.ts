import { type Layout, OcilotError } from "@ocilot/layout";
import { attach, collectGarbage, convert, detach, openView, readGraph } from "@ocilot/referrers";
import { LayoutBuilder, fixtureLayout, fixtureNames } from "@ocilot/testkit";
import { describe, expect, test } from "vitest";
import { errorOf, linksOf } from "./helpers.js";

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

describe("detach beside others, and cut short", () => {
  const DETACHED = "io.ocilot.detached";

  async function withReferrers(
    count: number,
  ): Promise<{ layout: Layout; subject: `${string}:${string}`; referrers: `${string}:${string}`[] }> {
    const builder = new LayoutBuilder();
    const image = builder.image();
    builder.entry(image, { tag: "v1" });
    const layout = builder.layout();
    await convert(layout, { to: "universal" });
    const referrers: `${string}:${string}`[] = [];
    for (let i = 0; i < count; i++)
      referrers.push((await attach(layout, image.digest, { artifactType: `application/vnd.example.t${i}` })).digest);
    return { layout, subject: image.digest, referrers };
  }

  async function known(layout: Layout): Promise<Record<string, string[]>> {
    return linksOf((await readGraph(await openView(layout, { scan: true }))).edges());
  }

  /** Fails the second time that `index.json` is to be edited, as a kill between the two steps does. */
  function cutShort(layout: Layout): Layout {
    let updates = 0;
    const update: Layout["index"]["update"] = async (edit, options) => {
      if (++updates === 2) throw new OcilotError("ABORTED", "cut short", {});
      return await layout.index.update(edit, options);
    };
    const index = { read: () => layout.index.read(), update };
    const own = (target: Layout, key: string | symbol): unknown => {
      const value: unknown = Reflect.get(target, key);
      return typeof value === "function" ? value.bind(target) : value;
    };
    return new Proxy(layout, { get: (target, key) => (key === "index" ? index : own(target, key)) });
  }

  test("two at once, interleaved between their steps, bring neither back", async () => {
    const { layout, referrers } = await withReferrers(3);
    const [first, second, third] = referrers as [never, never, never];
    await errorOf(detach(cutShort(layout), first));
    await detach(layout, second);
    expect(Object.values(await known(layout))).toEqual([[third]]);
    expect(await layout.blobs.has(first)).toBe(false);
    expect((await layout.index.read()).annotations[DETACHED]).toBeUndefined();
  });

  test("many at once leave nothing behind", async () => {
    const { layout, referrers } = await withReferrers(8);
    await Promise.all(referrers.slice(0, 7).map((r) => detach(layout, r as never)));
    expect(Object.values(await known(layout))).toEqual([[referrers[7]]]);
  });

  test("one that was cut short is no referrer to a scan, and is finished by the same command", async () => {
    const { layout, subject, referrers } = await withReferrers(1);
    const [referrer] = referrers as [never];
    await errorOf(detach(cutShort(layout), referrer));
    expect(await layout.blobs.has(referrer)).toBe(true);
    expect(await known(layout)).toEqual({});
    await convert(layout, { to: "oras", scan: true });
    expect(await known(layout)).toEqual({});
    expect(await detach(layout, referrer)).toEqual({ removed: [{ subject, referrer }] });
    expect(await layout.blobs.has(referrer)).toBe(false);
    expect((await errorOf(detach(layout, referrer))).code).toBe("REF_NOT_FOUND");
  });

  test("one that was cut short is finished by gc, whatever the grace period", async () => {
    const { layout, referrers } = await withReferrers(1);
    await errorOf(detach(cutShort(layout), referrers[0] as never));
    const { removed } = await collectGarbage(layout);
    expect(removed.map((b) => b.digest)).toContain(referrers[0]);
    expect((await layout.index.read()).annotations[DETACHED]).toBeUndefined();
  });

  test("what is attached again after it was cut short stays", async () => {
    const { layout, subject, referrers } = await withReferrers(1);
    await errorOf(detach(cutShort(layout), referrers[0] as never));
    await attach(layout, subject as never, { artifactType: "application/vnd.example.t0" });
    expect((await layout.index.read()).annotations[DETACHED]).toBeUndefined();
    await collectGarbage(layout, { grace: 0 });
    expect(await known(layout)).toEqual({ [subject]: referrers });
  });
});
