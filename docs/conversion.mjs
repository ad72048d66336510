// Writes docs/conversion.md from the grid. Build first: npm run build && node docs/conversion.mjs
import { writeFileSync } from "node:fs";
import { conversionPage } from "../packages/referrers/dist/convert/grid-page.js";

writeFileSync(new URL("conversion.md", import.meta.url), conversionPage());
