import { expect, test } from "vitest";
import { layoutMembers, refusal, tar } from "./tar-maker.js";

test("links that lead to each other, to themselves, or on and on are refused", async () => {
  const loops = [
    [{ name: "a", type: "2", link: "a" }],
    [
      { name: "a", type: "2", link: "b" },
      { name: "b", type: "1", link: "a" },
    ],
    Array.from({ length: 1000 }, (_, i) => ({ name: `l${i}`, type: "2", link: i === 999 ? "oci-layout" : `l${i + 1}` })),
  ];
  for (const members of loops) expect((await refusal(tar([...layoutMembers(), ...members]))).code).toBe("LINK_OUTSIDE");
});

test("a link that stands twice with two targets is refused", async () => {
  const links = ["oci-layout", "index.json"].map((link) => ({ name: "a", type: "2", link }));
  expect((await refusal(tar([...layoutMembers(), ...links]))).code).toBe("LINK_OUTSIDE");
});
