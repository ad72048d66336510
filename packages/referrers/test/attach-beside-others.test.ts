import { type Layout, OcilotError } from "@ocilot/layout";
import { type ArtifactLayer, attach, collectGarbage, convert, detach, openView, readGraph } from "@ocilot/referrers";
import { LayoutBuilder } from "@ocilot/testkit";
import { describe, expect, test } from "vitest";
import { errorOf, linksOf } from "./helpers.js";

type Hook = (call: number) => Promise<void>;

/** The layout with something that happens right before or after its lock is held. */
function beside(layout: Layout, hooks: { before?: Hook; after?: Hook }): Layout {
  let calls = 0;
  const update: Layout["index"]["update"] = async (edit, options) => {
    const call = ++calls;
    await hooks.before?.(call);
    const written = await layout.index.update(edit, options);
    await hooks.after?.(call);
    return written;
  };
  const index = { read: () => layout.index.read(), update };
  return new Proxy(layout, { get: (target, key) => (key === "index" ? index : Reflect.get(target, key)) });
}

function oneImage(): { layout: Layout; subject: `${string}:${string}` } {
  const builder = new LayoutBuilder();
  const image = builder.image();
  builder.entry(image, { tag: "v1" });
  return { layout: builder.layout(), subject: image.digest };
}

const bytes = (): Uint8Array => new TextEncoder().encode("an SBOM");
const layer = (source: ArtifactLayer["source"]): ArtifactLayer => ({ source, mediaType: "text/plain" });
async function* stream(): AsyncGenerator<Uint8Array> {
  yield bytes();
}

describe("attach beside a garbage collection without a grace period", () => {
  test.each([
    ["bytes", bytes()],
    ["a function that gives bytes", bytes],
    ["a function that opens a stream", stream],
  ])("stores a collected layer again from %s", async (_, source) => {
    const { layout, subject } = oneImage();
    const raced = beside(layout, { before: async (call) => void (call === 1 && (await collectGarbage(layout, { grace: 0 }))) });
    const { digest } = await attach(raced, subject as never, { artifactType: "text/plain", layers: [layer(source)] });
    expect(linksOf((await readGraph(await openView(layout))).edges())).toEqual({ [subject]: [digest] });
    const { removed } = await collectGarbage(layout, { grace: 0 });
    expect(removed).toEqual([]);
  });

  test("fails on a stream that cannot be read again, and records nothing", async () => {
    const { layout, subject } = oneImage();
    const { text } = await layout.index.read();
    const raced = beside(layout, { before: async () => void (await collectGarbage(layout, { grace: 0 })) });
    const error = await errorOf(attach(raced, subject as never, { artifactType: "text/plain", layers: [layer(stream())] }));
    expect(error).toMatchObject({ code: "BLOB_NOT_FOUND", message: expect.stringContaining("cannot be read again") });
    expect((await layout.index.read()).text).toBe(text);
  });
});

describe("the lists that attach and detach replace", () => {
  test.each([[["regclient"]], [["olareg"]], [["universal"]], [["regclient", "image-spec"]], [["oras", "olareg"]]] as const)(
    "are deleted in the same run: %s",
    async (conventions) => {
      const { layout, subject } = oneImage();
      const before = await sizeOf(layout);
      const made: `${string}:${string}`[] = [];
      for (const text of ["one", "two", "three"])
        made.push((await attach(layout, subject as never, { artifactType: "text/plain", annotations: { text } }, { conventions })).digest);
      expect(await unreferencedOf(layout)).toEqual([]);
      for (const digest of made) {
        await detach(layout, digest as never);
        expect(await unreferencedOf(layout)).toEqual([]);
      }
      // The empty config and layer are the layers' kind: left for a collection.
      expect(await sizeOf(layout)).toBe(before + 1);
    },
  );

  test("stay where somebody else references them, or where they are the last to name a manifest", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const stray = builder.image({ annotations: { note: "only a wrong line names it" } });
    const tag = image.digest.replace(":", "-");
    builder.entry(image, { tag: "v1" }).entry(builder.list([builder.referrer(image), stray]), { tag });
    const layout = builder.layout();
    const [list] = (await layout.index.read()).entries.slice(1);
    await attach(layout, image.digest, { artifactType: "text/plain" });
    expect(await layout.blobs.has(list!.descriptor.digest)).toBe(true);
  });
});

/** Blobs that verify would call unreferenced, but for the empty one. */
async function unreferencedOf(layout: Layout): Promise<string[]> {
  const { removed } = await collectGarbage(layout, { grace: 0, dryRun: true });
  return removed.map((b) => b.digest).filter((d: string) => d !== EMPTY);
}

async function sizeOf(layout: Layout): Promise<number> {
  let size = 0;
  for await (const _ of layout.blobs.list()) size++;
  return size;
}

const EMPTY = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

describe("attach beside a program that takes no lock", () => {
  test.each([["oras"], ["universal"]] as const)("writes its %s records again where they were overwritten", async (convention) => {
    const { layout, subject } = oneImage();
    await convert(layout, { to: convention });
    const other = await attach(layout, subject as never, { artifactType: "application/vnd.example.other" });
    const stale = await layout.index.read();
    const raced = beside(layout, {
      after: async (call) => {
        if (call <= 2) await replaceIndex(layout, stale.text);
      },
    });
    const { digest } = await attach(raced, subject as never, { artifactType: "text/plain" });
    const graph = await readGraph(await openView(layout));
    expect(graph.of(subject as never).map((e) => e.referrer.digest)).toEqual([digest, other.digest].toSorted());
  });

  test("says so where it is overwritten again and again", async () => {
    const { layout, subject } = oneImage();
    const stale = await layout.index.read();
    const raced = beside(layout, { after: async () => await replaceIndex(layout, stale.text) });
    const error = await errorOf(attach(raced, subject as never, { artifactType: "text/plain" }, { wait: 0 }));
    expect(error).toBeInstanceOf(OcilotError);
    expect(error.code).toBe("INDEX_CONFLICT");
  });
});

/** Brings back an older `index.json`, as a program does that read it before. */
async function replaceIndex(layout: Layout, text: string): Promise<void> {
  const entries = (JSON.parse(text) as { manifests: unknown[] }).manifests;
  await layout.index.update((base) => [
    ...base.entries.map(({ position }) => ({ op: "remove" as const, position })),
    ...entries.map((descriptor) => ({ op: "insert" as const, before: base.entries.length, descriptor: descriptor as never })),
  ]);
}
