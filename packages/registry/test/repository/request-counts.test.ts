import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Layout } from "@ocilot/layout";
import { copyLayout } from "@ocilot/referrers";
import { openRepository } from "@ocilot/registry";
import { LayoutBuilder, type TestRegistry, startTestRegistry } from "@ocilot/testkit";
import { pushContent } from "./push-content.js";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";

const COUNT = 1000;

/** One image with 1,000 referrers, each with a blob of its own. */
function thousandReferrers(): LayoutBuilder {
  const builder = new LayoutBuilder();
  const image = builder.image();
  builder.entry(image, { tag: "v1" });
  for (let i = 0; i < COUNT; i++) builder.listed(builder.referrer(image, { annotations: { no: String(i) } }));
  return builder;
}

describe("requests for an image with 1,000 referrers, and a registry without the Referrers API", () => {
  const place = mkdtempSync(join(tmpdir(), "ocilot-counts-"));
  let registry: TestRegistry;
  let source: Layout;

  beforeAll(async () => {
    source = await thousandReferrers().directory(join(place, "source"));
  });
  beforeEach(async () => {
    registry = await startTestRegistry({ quirks: { referrers: 404, etag: "ignored", ociSubject: false } });
  });
  afterEach(async () => await registry.close());
  afterAll(() => rmSync(place, { recursive: true, force: true }));

  const open = async (): Promise<Layout> => await openRepository(`${registry.host}/k1:v1`, { record: { delays: [1, 1, 1, 1] } });
  const push = async (): Promise<void> => {
    const target = await open();
    expect(await copyLayout(source, target, { reference: "v1" })).toMatchObject({ referrers: COUNT });
    await target.close();
  };

  test("pushed into a repository known to be empty: at most 3,100, and one write of the list", async () => {
    await push();
    const kinds = registry.log.kinds();
    expect(registry.log.size).toBeLessThanOrEqual(3100);
    expect(kinds["PUT manifest"]).toBe(COUNT + 3);
    expect(kinds["HEAD blob"] ?? 0).toBe(0);
    expect(registry.repository("k1").tags.size).toBe(2);
  });

  test("pushed into a repository that has something: at most 4,010; unchanged again: at most 4", async () => {
    const other = new LayoutBuilder();
    pushContent(registry, "k1", other.entry(other.image(), { tag: "other" }));
    await push();
    expect(registry.log.size).toBeLessThanOrEqual(4010);
    registry.log.clear();
    await push();
    expect(registry.log.kinds()).toEqual({ "GET manifest": 2, "GET tags": 1, "GET referrers": 1 });
  });

  test("pulled: at most 2,010, none of them for a list that is not there; unchanged again: at most 4", async () => {
    await push();
    const target = await Layout.create(join(place, "pulled"), { sync: false });
    const pull = async (): Promise<void> => {
      registry.log.clear();
      const repository = await open();
      expect(await copyLayout(repository, target, { reference: "v1" })).toMatchObject({ referrers: COUNT });
      await repository.close();
    };
    await pull();
    expect(registry.log.size).toBeLessThanOrEqual(2010);
    expect(registry.log.requests.filter((r) => r.status === 404).length).toBeLessThanOrEqual(1);
    await pull();
    expect(registry.log.kinds()).toEqual({ "GET manifest": 2, "GET tags": 1, "GET referrers": 1 });
  });
});
