import { expect, test } from "vitest";
import { type Digest, blobPath, digestOf, openArchive } from "../../src/index.js";
import { ArchiveFile } from "../../src/archive/archive-file.js";
import { BlobChooser, digestAt, extentsOf } from "../../src/archive/contents.js";
import { filesOf } from "../../src/archive/members.js";
import { type Member, scanMembers } from "../../src/archive/scan.js";
import { Pace } from "../../src/filesystem/pace.js";
import { HELLO, type RawMember, archiveWith, layoutMembers, pax, tar } from "../archives/tar-maker.js";
import { digestNo, errorOf, text } from "../helpers.js";

const MANY = 15_000;

/** `count` members under the name of one blob, and as many links to it. */
function product(count: number): Member[] {
  const name = blobPath(digestNo(0));
  const files = Array.from({ length: count }, (_, i): Member => ({ name, kind: "file", offset: i * 1024, size: 1 }));
  const links = Array.from({ length: count }, (_, i): Member => ({
    name: blobPath(digestNo(i + 1)),
    kind: "link",
    offset: 0,
    size: 0,
    target: name,
  }));
  return [...files, ...links];
}

test("15,000 members of one name and 15,000 links to it share one list of extents", async () => {
  const files = await filesOf("x", product(MANY));
  expect(files.size).toBe(MANY + 1);
  const lists = new Set([...files.values()].map((content) => content.linked ?? content.own));
  expect(lists.size).toBe(1);
  expect([...lists][0]).toHaveLength(MANY);
});

test("each member is hashed once, however many names lead to it", async () => {
  const bodies = Array.from({ length: 50 }, (_, i) => text(`body ${i}`));
  const name = blobPath(digestOf(bodies[0]!));
  const links = bodies.slice(1).map((body): RawMember => ({ name: blobPath(digestOf(body)), type: "1", link: name }));
  const path = archiveWith(tar([...bodies.map((body) => ({ name, body })), ...links]));
  const file = ArchiveFile.open(path);
  let reads = 0;
  const counted = Object.assign(Object.create(file) as ArchiveFile, { read: (at: number, n: number) => (reads++, file.read(at, n)) });
  const { members } = await scanMembers(file, { maxMembers: 1000 });
  const files = await filesOf("x", members);
  const chooser = new BlobChooser(counted, undefined);
  for (const body of bodies) {
    const extent = await chooser.choose(digestOf(body), files.get(blobPath(digestOf(body)))!);
    expect(await digestAt(file, extent, { pace: new Pace() })).toBe(digestOf(body));
  }
  expect(reads).toBe(bodies.length);
  file.close();
});

test("an archive of 15,000 × 15,000 is read, and every link finds its content", async () => {
  const digest = digestOf(HELLO);
  const name = blobPath(digest);
  const copies = Array.from({ length: MANY - 1 }, (): RawMember => ({ name, body: "other" }));
  const links = Array.from({ length: MANY }, (_, i): RawMember => ({ name: blobPath(digestNo(i + 1)), type: "1", link: name }));
  await using layout = await openArchive(archiveWith(tar([...layoutMembers(), ...copies, ...links])));
  expect(Buffer.from(await layout.blobs.bytes({ mediaType: "x", digest, size: HELLO.length }))).toEqual(Buffer.from(HELLO));
  let count = 0;
  for await (const _ of layout.blobs.list()) count++;
  expect(count).toBe(MANY + 1);
});

test("an abort ends every step within its loop", async () => {
  const abortedSoon = (): AbortSignal => {
    const controller = new AbortController();
    setImmediate(() => controller.abort());
    return controller.signal;
  };
  const members = product(400_000);
  expect((await errorOf(filesOf("x", members, abortedSoon()))).code).toBe("ABORTED");
  const path = archiveWith(
    tar([...layoutMembers(), ...Array.from({ length: 60_000 }, (_, i): RawMember => ({ name: `f${i}`, body: "" }))]),
  );
  expect((await errorOf(openArchive(path, { signal: abortedSoon() }))).code).toBe("ABORTED");
  expect((await errorOf(openArchive(path, { signal: AbortSignal.abort() }))).code).toBe("ABORTED");
});

test("a link above other members is found whatever lies between them in the order of names", async () => {
  const link: Member = { name: "a", kind: "symlink", offset: 0, size: 0, target: "z" };
  const file = (name: string): Member => ({ name, kind: "file", offset: 0, size: 0 });
  for (const members of [
    [link, file("z"), file("a/b")],
    [file("a/b/c"), file("a!"), file("a-"), file("z"), link],
  ]) {
    expect(await errorOf(filesOf("x", members))).toMatchObject({ code: "LINK_OUTSIDE", details: { file: "a" } });
  }
  expect((await filesOf("x", [link, file("z"), file("a!"), file("ab/c")])).size).toBe(4);
});

test("names are limited in total and in depth", async () => {
  const long = `a/${"x".repeat(3000)}`;
  const named = Array.from({ length: 5 }, (_, i) => [pax({ path: `${long}${i}` }), { name: "m", body: "" }]).flat();
  const file = ArchiveFile.open(archiveWith(tar(named)));
  expect((await scanMembers(file, { maxMembers: 100 })).members).toHaveLength(5);
  expect(await errorOf(scanMembers(file, { maxMembers: 100, maxNameBytes: 14_000 }))).toMatchObject({
    code: "LIMIT_EXCEEDED",
    details: { what: "bytes of names" },
  });
  file.close();
  const deep = ArchiveFile.open(archiveWith(tar([pax({ path: "a/".repeat(200) + "b" }), { name: "m", body: "" }])));
  expect((await errorOf(scanMembers(deep, { maxMembers: 100 }))).code).toBe("UNSAFE_NAME");
  deep.close();
});

test("a long name counts for one member only", async () => {
  const long = "y".repeat(200);
  const members = [
    { name: "././@LongLink", type: "L", body: `${long}\0`, magic: "gnu" as const },
    { name: "first", body: "1" },
    { name: "second", body: "2" },
    { name: "././@LongLink", type: "K", body: `second\0`, magic: "gnu" as const },
    { name: "link", type: "1", link: "x" },
    { name: "other", type: "1", link: "second" },
  ];
  const file = ArchiveFile.open(archiveWith(tar(members)));
  const found = (await scanMembers(file, { maxMembers: 100 })).members;
  expect(found.map((m) => [m.name, m.target])).toEqual([
    [long, undefined],
    ["second", undefined],
    ["link", "second"],
    ["other", "second"],
  ]);
  expect(extentsOf((await filesOf("x", found)).get("other"))).toHaveLength(1);
  file.close();
});

test("the content of a name that is a file and a link is searched in both", async () => {
  const body = text("right");
  const digest: Digest = digestOf(body);
  const members = [
    { name: blobPath(digest), body: "wrong" },
    { name: "x", body },
    { name: blobPath(digest), type: "1", link: "x" },
  ];
  await using layout = await openArchive(archiveWith(tar([...layoutMembers(), ...members])));
  expect(Buffer.from(await layout.blobs.bytes({ mediaType: "x", digest, size: 5 }))).toEqual(Buffer.from(body));
});
