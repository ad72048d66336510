import { type Digest, IMAGE_MANIFEST, Layout } from "@ocilot/layout";
import { type ConventionId, attach, collectGarbage, convert, copyLayout, detach, edgeKey, openView, readGraph } from "@ocilot/referrers";
import fc from "fast-check";
import { expect } from "vitest";
import { type Reality, checkAll } from "./check-all.js";
import { type Oracle, edgesBelow, edgesOf, manifestsOf, pick, withAllAbove } from "./oracle.js";

type Command = fc.AsyncCommand<Oracle, Reality>;

const TARGETS: readonly ConventionId[] = ["universal", "oras", "regclient", "olareg", "containerd", "image-spec"];
const NAMES = ["v1", "v2", "latest", "example.com/app:v1"];
const ABSENT = `sha256:${"3".repeat(64)}` as Digest;

/** A command: what it does to the oracle and to the layout, and then the comparison of the two. */
function command(label: string, act: (oracle: Oracle, layout: Layout) => Promise<void>): Command {
  return {
    check: () => true,
    async run(oracle, reality) {
      await act(oracle, await Layout.open(reality.dir, { sync: false }));
      await checkAll(oracle, reality);
    },
    toString: () => label,
  };
}

async function refused(action: Promise<unknown>, code: string): Promise<void> {
  await expect(action).rejects.toMatchObject({ code });
}

function attachCommand(subjectNumber: number, n: number): Command {
  return command(`attach(${subjectNumber}, ${n})`, async (oracle, layout) => {
    const subject = pick([ABSENT, ...manifestsOf(oracle)], subjectNumber)!;
    const artifact = { artifactType: "application/vnd.example", annotations: { n: String(n) } };
    const wanted = subject === ABSENT ? { digest: ABSENT, mediaType: IMAGE_MANIFEST, size: 99 } : subject;
    const { digest } = await attach(layout, wanted, artifact, { allowDangling: subject === ABSENT });
    oracle.subjects.set(digest, subject);
    oracle.mayBePartial = false;
  });
}

function detachCommand(n: number, recursive: boolean): Command {
  return command(`detach(${n}${recursive ? ", recursive" : ""})`, async (oracle, layout) => {
    const referrer = pick([...oracle.subjects.keys()], n);
    if (referrer === undefined) return await refused(detach(layout, oracle.images[0]!.digest), "REF_NOT_FOUND");
    const all = withAllAbove(oracle, referrer);
    const isHeld = [...oracle.tags.values()].some((d) => (recursive ? all : [referrer]).includes(d));
    if (isHeld || (all.length > 1 && !recursive)) return await refused(detach(layout, referrer, { recursive }), "WRITE_REFUSED");
    const { removed } = await detach(layout, referrer, { recursive });
    expect(removed.map((r) => r.referrer).toSorted()).toEqual(all.toSorted());
    for (const gone of all) oracle.subjects.delete(gone);
  });
}

function tagCommand(n: number, name: string): Command {
  return command(`tag(${n}, ${name})`, async (oracle, layout) => {
    const digest = pick(manifestsOf(oracle), n)!;
    await layout.tag(await layout.resolve(`@${digest}`), name);
    if (oracle.tags.has(name)) oracle.mayBePartial = true;
    oracle.tags.set(name, digest);
  });
}

function untagCommand(name: string): Command {
  return command(`untag(${name})`, async (oracle, layout) => {
    const held = oracle.tags.has(name) ? name : [...oracle.tags.keys()].find((tag) => tag.endsWith(`:${name}`));
    if (held === undefined) return await refused(layout.untag(name), "REF_NOT_FOUND");
    await layout.untag(name);
    oracle.tags.delete(held);
    oracle.mayBePartial = true;
  });
}

function convertCommand(to: ConventionId, only: boolean): Command {
  return command(`convert(${to}${only ? ", only" : ""})`, async (oracle, layout) => {
    await convert(layout, { to, only });
    expect(await convert(layout, { to, only })).toMatchObject({ changed: false });
    oracle.mayBePartial = false;
  });
}

function gcCommand(): Command {
  return command("gc", async (_, layout) => {
    const planned = await collectGarbage(layout, { grace: 0, dryRun: true });
    const done = await collectGarbage(layout, { grace: 0 });
    expect(done.removed).toEqual(planned.removed);
    expect((await collectGarbage(layout, { grace: 0 })).removed).toEqual([]);
  });
}

/** A copy of what a tag names, or of everything, holds the links that belong to it and no others. */
function copyCommand(n: number, whole: boolean): Command {
  return command(`copy(${whole ? "all" : n})`, async (oracle, layout) => {
    const tag = pick([...oracle.tags.keys()], n);
    if (tag === undefined) return;
    const target = Layout.inMemory();
    await copyLayout(layout, target, whole ? {} : { reference: tag });
    const edges = (await readGraph(await openView(target))).edges().map(edgeKey);
    expect(edges.toSorted()).toEqual(whole ? edgesOf(oracle) : edgesBelow(oracle, oracle.tags.get(tag)!));
    const listed = (await target.index.read()).entries;
    expect(listed.find((e) => e.tag === tag)?.descriptor.digest).toBe(oracle.tags.get(tag));
  });
}

/** Any sequence of them. */
export function commands(maxCommands: number): fc.Arbitrary<Iterable<Command>> {
  const number = fc.nat({ max: 30 });
  const name = fc.constantFrom(...NAMES);
  return fc.commands(
    [
      fc.tuple(number, fc.nat({ max: 5 })).map(([s, n]) => attachCommand(s, n)),
      fc.tuple(number, fc.nat({ max: 5 })).map(([s, n]) => attachCommand(s, n)),
      fc.tuple(number, fc.boolean()).map(([n, recursive]) => detachCommand(n, recursive)),
      fc.tuple(number, name).map(([n, of]) => tagCommand(n, of)),
      name.map(untagCommand),
      fc.tuple(fc.constantFrom(...TARGETS), fc.boolean()).map(([to, only]) => convertCommand(to, only)),
      fc.constant(gcCommand()),
      fc.tuple(number, fc.boolean()).map(([n, whole]) => copyCommand(n, whole)),
    ],
    { maxCommands, size: "max" },
  );
}
