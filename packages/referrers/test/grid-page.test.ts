import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { conversionPage } from "../src/conventions/support-matrix-page.js";

it("docs/conversion.md says what the grid says; node docs/conversion.mjs writes it", () => {
  const page = fileURLToPath(new URL("../../../docs/conversion.md", import.meta.url));
  expect(readFileSync(page, "utf8")).toBe(conversionPage());
});
