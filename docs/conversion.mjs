// Writes docs/conversion.md from the support matrix. Build first: npm run build && node docs/conversion.mjs
import { writeFileSync } from "node:fs";
import { conversionPage } from "../packages/referrers/dist/conventions/support-matrix-page.js";

writeFileSync(new URL("conversion.md", import.meta.url), conversionPage());
