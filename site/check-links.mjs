import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join, posix } from "node:path";

/** Returns how many pages a built site has, and the links and anchors in it that lead nowhere. Links to other sites are not followed. */
export function checkLinks(directory) {
  const names = readdirSync(directory, { recursive: true })
    .map((name) => name.replaceAll("\\", "/"))
    .filter((name) => name.endsWith(".html"));
  const pages = new Map(names.map((name) => [name, readFileSync(join(directory, name), "utf8")]));
  const anchors = new Map(
    [...pages].map(([name, html]) => [name, new Set([...html.matchAll(/ id="([^"]*)"/g)].map((m) => decoded(m[1])))]),
  );
  const broken = [];
  for (const [name, html] of pages) {
    for (const [, address] of html.matchAll(/ (?:href|src)="([^"]*)"/g)) {
      if (/^(https?:|mailto:|data:)/.test(address)) continue;
      const [path, anchor] = decoded(address).split("#");
      const target = path === "" ? name : posix.normalize(posix.join(posix.dirname(name), path));
      const isThere = pages.has(target) || existsSync(join(directory, target));
      const hasAnchor = anchor === undefined || anchor === "" || anchors.get(target)?.has(decodeURIComponent(anchor)) === true;
      if (!isThere || path.startsWith("/")) broken.push(`${name}: ${address} leads nowhere`);
      else if (!hasAnchor && pages.has(target)) broken.push(`${name}: ${address}: no such anchor`);
    }
  }
  return { pages: pages.size, broken: [...new Set(broken)] };
}

function decoded(text) {
  return text.replaceAll("&amp;", "&").replaceAll("&quot;", '"').replaceAll("&#39;", "'").replaceAll("&lt;", "<").replaceAll("&gt;", ">");
}
