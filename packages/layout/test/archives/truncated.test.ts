import { expect, test } from "vitest";
import { openArchive } from "../../src/index.js";
import { archiveWith, header, layoutMembers, pax, refusal, tar } from "./tar-maker.js";

test("a member that promises more than the file holds is refused, in a header of any kind", async () => {
  for (const members of [[{ name: "big", size: 1e9 }], [pax({ size: "1000000000" }), { name: "big" }]]) {
    const error = await refusal(tar([...layoutMembers(), ...members], new Uint8Array()));
    expect(error).toMatchObject({ code: "ARCHIVE_INVALID", details: { member: "big" } });
    expect(error.message).toContain("cut short");
  }
});

test("an archive cut at any place is refused, or warned of where the cut falls between two members", async () => {
  const whole = tar(layoutMembers());
  for (let length = 1; length < whole.length; length += 97) {
    const error = await refusal(whole.subarray(0, length)).catch(() => undefined);
    if (error !== undefined) {
      expect(["ARCHIVE_INVALID", "NOT_A_LAYOUT"]).toContain(error.code);
      continue;
    }
    const layout = await openArchive(archiveWith(whole.subarray(0, length)));
    const { warnings } = layout;
    await layout.close();
    if (length < whole.length - 512) expect(warnings.map((w) => w.message).join()).toContain("cut short");
  }
});

test("an extended header that is cut short, or that nothing follows, is refused", async () => {
  const half = Buffer.concat([tar(layoutMembers(), new Uint8Array()), header({ name: "x", type: "x", size: 5000 }), Buffer.alloc(512)]);
  expect((await refusal(half)).code).toBe("ARCHIVE_INVALID");
  expect((await refusal(tar([...layoutMembers(), pax({ path: "x" })]))).code).toBe("ARCHIVE_INVALID");
});
