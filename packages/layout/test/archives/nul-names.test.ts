import { expect, test } from "vitest";
import { gnuLong, layoutMembers, pax, refusal, tar } from "./tar-maker.js";

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
