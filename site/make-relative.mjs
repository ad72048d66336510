import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join, posix } from "node:path";

/** Makes the addresses in the pages of a built site relative, so that they work from any folder and without a server. */
export function makeRelative(directory) {
  const base = process.env.OCILOT_SITE_BASE ?? "/";
  for (const name of readdirSync(directory, { recursive: true }).filter((file) => file.endsWith(".html"))) {
    const path = name.replaceAll("\\", "/");
    const up = posix.relative(posix.dirname(path), ".") || ".";
    const file = join(directory, name);
    const html = readFileSync(file, "utf8").replaceAll(/ (href|src)="([^"]*)"/g, (whole, attribute, address) => {
      if (!address.startsWith(base) || address.startsWith("//")) return whole;
      const [target, anchor] = address.slice(base.length).split("#");
      // A folder has no index of its own without a server.
      const page = target === "" || target.endsWith("/") ? `${target}index.html` : target;
      return ` ${attribute}="${up}/${page}${anchor === undefined ? "" : `#${anchor}`}"`;
    });
    writeFileSync(file, html);
  }
}
