import { afterEach, describe, expect, test, vi } from "vitest";
import { filesOf } from "../../src/archive/members.js";
import type { Member } from "../../src/archive/scan.js";
import { Pace } from "../../src/filesystem/pace.js";
import { errorOf } from "../helpers.js";

afterEach(() => vi.restoreAllMocks());

const file = (name: string, offset = 0): Member => ({ name, kind: "file", offset, size: 1 });
const symlink = (name: string, target: string): Member => ({ name, kind: "symlink", offset: 0, size: 0, target });
const hard = (name: string, target: string): Member => ({ ...symlink(name, target), kind: "link" });
const at = (...offsets: number[]): { offset: number; size: number }[] => offsets.map((offset) => ({ offset, size: 1 }));

async function refused(...members: Member[]): Promise<string> {
  const error = await errorOf(filesOf("x.tar", members));
  expect(error.code).toBe("LINK_OUTSIDE");
  return error.message;
}

test("files have their content, in the order of the archive", async () => {
  const files = await filesOf("x.tar", [file("a", 1), file("b", 2), file("a", 3)]);
  expect([...files]).toEqual([
    ["a", { own: at(1, 3) }],
    ["b", { own: at(2) }],
  ]);
});

describe("links", () => {
  test("stand for what they lead to, a symbolic one from its directory and a hard one from the root", async () => {
    const files = await filesOf("x.tar", [
      file("d/a", 1),
      file("a", 2),
      symlink("d/s", "a"),
      hard("d/h", "a"),
      symlink("d/up", "../a"),
      symlink("t", "d/s"),
      hard("u", "d/h"),
    ]);
    for (const [name, offset] of Object.entries({ "d/s": 1, "d/h": 2, "d/up": 2, t: 1, u: 2 }))
      expect(files.get(name), name).toEqual({ own: [], linked: at(offset) });
  });

  test("beside a file of the same name add to it", async () => {
    const files = await filesOf("x.tar", [file("a", 1), file("b", 2), hard("b", "a")]);
    expect(files.get("b")).toEqual({ own: at(2), linked: at(1) });
  });

  test("may occur twice if they lead to the same", async () => {
    expect((await filesOf("x.tar", [file("a"), file("b"), symlink("l", "a"), symlink("l", "a")])).size).toBe(3);
    expect(await refused(file("a"), file("b"), symlink("l", "a"), symlink("l", "b"))).toContain("occurs twice with different targets");
  });

  test("through 32 are followed, through one more not", async () => {
    const chain = (length: number): Member[] => [file("l0", 7), ...Array.from({ length }, (_, i) => symlink(`l${i + 1}`, `l${i}`))];
    expect((await filesOf("x.tar", chain(32))).get("l32")?.linked).toEqual(at(7));
    expect(await refused(...chain(33))).toContain("through too many others");
    expect(await refused(symlink("a", "b"), symlink("b", "a"))).toContain("leads to itself");
  });

  test("that lead nowhere or out of the archive are refused, as what they are", async () => {
    expect(await refused(symlink("l", "gone"))).toContain('symbolic link "l" → "gone" leads to no file');
    expect(await refused(hard("l", "gone"))).toContain('hard link "l"');
    expect(await refused(file("a"), symlink("l", "../a"))).toContain("leads out of the archive");
    expect(await refused(file("a"), symlink("k", "/a"), symlink("l", "k"))).toContain("leads out of the archive");
  });
});

test("a link with other members below it is refused, wherever they come and however deep", async () => {
  const links = [file("d/f"), symlink("a/l", "../d/f")];
  for (const below of [file("a/l/x"), file("a/l/x/y/z"), symlink("a/l/x", "../../d/f")]) {
    expect(await refused(...links, below)).toContain("would send the member");
    expect(await refused(below, ...links)).toContain(`"a/l"`);
  }
  expect((await filesOf("x.tar", [...links, file("a/lx"), file("a/m/l/x"), file("l/x")])).size).toBe(5);
});

describe("every pass of every loop asks whether other work is due, and gives it a turn", () => {
  const files = [file("a"), file("b"), file("c")];
  const links = [symlink("l", "a"), hard("m", "b")];

  test.each([
    // Once for each member and each name.
    ["without links", files, 3 + 3],
    // And for each link to note its way, for each member to look for a link above it, and for each link to follow it.
    ["with links", [...files, ...links], 5 + 3 + 2 + 5 + 2],
  ])("%s", async (_, members, looks) => {
    const isDue = vi.spyOn(Pace.prototype, "isDue", "get").mockReturnValue(true);
    const rest = vi.spyOn(Pace.prototype, "rest");
    expect((await filesOf("x.tar", members)).size).toBe(members.length);
    expect([isDue.mock.calls.length, rest.mock.calls.length]).toEqual([looks, looks]);
    isDue.mockReturnValue(false);
    await filesOf("x.tar", members);
    expect([isDue.mock.calls.length, rest.mock.calls.length]).toEqual([2 * looks, looks]);
  });
});
