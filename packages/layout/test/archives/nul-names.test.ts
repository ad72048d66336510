import { expect, test } from "vitest";
import { openArchive } from "../../src/index.js";
import { archiveWith, gnuLong, layoutMembers, pax, refusal, tar } from "./tar-maker.js";

test("a name with a NUL and more behind it is refused: programs disagree where it ends", async () => {
  const cases = [
    [{ name: "index.json\0/../../evil", body: "x" }],
    [{ name: "x\0y", body: "x" }],
    [pax({ path: "index.json\0evil" }), { name: "x", body: "x" }],
    [
      { ...gnuLong("x"), body: "index.json\0evil\0" },
      { name: "x", body: "x" },
    ],
  ];
  for (const members of cases) {
    const error = await refusal(tar([...layoutMembers(), ...members]));
    expect(error.code).toBe("UNSAFE_NAME");
    expect(error.message).toContain("contains NUL");
  }
});

test("the name field does not count where an extended header gives the name, and a full field needs no NUL", async () => {
  const full = "n".repeat(100);
  const layout = await openArchive(
    archiveWith(tar([...layoutMembers(), pax({ path: "long" }), { name: "x\0y", body: "x" }, { name: full, body: "x" }])),
  );
  await layout.close();
  for (const [member, name] of [
    [{ name: "x\0y\0", body: "x" }, "x\0y"],
    [{ name: "\0x", body: "x" }, "\0x"],
    [{ name: "\uFEFFx\0y", body: "x" }, "\uFEFFx\0y"],
  ] as const)
    expect((await refusal(tar([...layoutMembers(), member]))).details).toEqual({ name });
});
