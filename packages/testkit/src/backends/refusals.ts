import { expect, it } from "vitest";
import type { Subject } from "./content.js";
import { codeOf } from "./outcomes.js";

/** A backend that cannot be written to. */
export function describeRefusals(current: () => Subject): void {
  it("refuses every write", async () => {
    const { layout, content } = current();
    expect(await codeOf(layout.blobs.put(Buffer.from("x")))).toBe("WRITE_REFUSED");
    expect(await codeOf(layout.blobs.delete(content.image.digest))).toBe("WRITE_REFUSED");
    expect(await codeOf(layout.tag(content.image, "new"))).toBe("WRITE_REFUSED");
    expect(await layout.resolve("v1")).toMatchObject({ digest: content.image.digest });
  });
}
