// Modules do not load from `file://`, so the menu and the search of the theme do nothing in a folder. Each page gets a menu that needs no
// script, and a classic script that searches. theme/folder.css shows both only where the page is not served.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join, posix } from "node:path";
import { fileURLToPath } from "node:url";

const SCRIPT = "folder-search.js";

/**
 * Adds the menu and the search to every page of a built site.
 * @param directory the site, with relative addresses
 * @param groups the sidebar of the theme: `{ text, items: { text, link }[] }`
 */
export function readFromFolder(directory, groups) {
  const names = readdirSync(directory, { recursive: true })
    .map((name) => name.replaceAll("\\", "/"))
    .filter((name) => name.endsWith(".html"))
    .toSorted();
  const index = [];
  for (const name of names) {
    const file = join(directory, name);
    const html = readFileSync(file, "utf8");
    const sections = sectionsOf(html);
    const isApi = name.startsWith("api/");
    // Of the API only the names are in the index: all of its text would be most of it.
    for (const { id, level, title, text } of sections) {
      if (name !== "404.html") index.push([name, level === 1 ? "" : id, title, isApi ? "" : text]);
    }
    const up = posix.relative(posix.dirname(name), ".") || ".";
    const menu = menuOf(name, up, groups, isApi ? [] : sections);
    writeFileSync(
      file,
      html.replace('<div id="app">', (app) => `${menu}${name === "404.html" ? notFound(up) : ""}${app}`),
    );
  }
  const search = readFileSync(fileURLToPath(new URL("folder-search.js", import.meta.url)), "utf8");
  writeFileSync(join(directory, SCRIPT), `var OCILOT_SECTIONS = ${JSON.stringify(index)};\n${search}`);
}

/** Returns the headings of a page with the text below each. */
function sectionsOf(html) {
  const [, main = ""] = /<main\b[^>]*>(.*)<\/main>/s.exec(html) ?? [];
  const headings = [...main.matchAll(/<h([1-3]) id="([^"]*)"[^>]*>(.*?)<\/h\1>/gs)];
  return headings.map((heading, i) => ({
    level: Number(heading[1]),
    id: heading[2],
    title: textOf(heading[3].replace(/<a class="header-anchor".*/s, "")),
    text: textOf(main.slice(heading.index + heading[0].length, headings[i + 1]?.index)),
  }));
}

const NAMED = { lt: "<", gt: ">", quot: '"', "#39": "'", amp: "&" };

function textOf(html) {
  return html
    .replaceAll(/<(button|style|svg)\b.*?<\/\1>|<span class="lang">.*?<\/span>/gs, "")
    .replaceAll(/<\/(?:p|li|td|th|tr|div|pre|h\d)>|<br>/g, " ")
    .replaceAll(/<[^>]*>/g, "")
    .replaceAll(/&(lt|gt|quot|#39|amp);/g, (_, name) => NAMED[name])
    .replaceAll(/[\s\u200b]+/g, " ")
    .trim();
}

function menuOf(name, up, groups, sections) {
  const below = sections.filter(({ level }) => level === 2).map(({ id, title }) => [`#${id}`, title, false]);
  const lists = groups.map(({ text, items }) => {
    const links = items.map((item) => {
      const page = `${item.link.slice(1)}${item.link.endsWith("/") ? "index" : ""}.html`;
      return [`${up}/${page}`, item.text, page === name];
    });
    return `<h2>${escaped(text)}</h2>${listOf(links)}`;
  });
  const onPage = below.length < 2 ? "" : `<details><summary>On this page</summary>${listOf(below)}</details>`;
  const script = `if(location.protocol==="file:"){var s=document.createElement("script");s.src="${up}/${SCRIPT}";document.body.append(s)}`;
  return [
    // Before the menu, as the first link of the page has to be.
    '<a class="folder-skip" href="#VPContent">Skip to content</a>',
    '<div class="folder-bar"><nav aria-label="Pages"><details><summary>Menu</summary><div>',
    onPage,
    listOf([[`${up}/index.html`, "Start", name === "index.html"]]),
    ...lists,
    `</div></details></nav></div><script>${script}</script>`,
  ].join("");
}

function listOf(links) {
  const items = links.map(([address, text, isHere]) => {
    const current = isHere ? ' aria-current="page"' : "";
    return `<li><a href="${address}"${current}>${escaped(text)}</a></li>`;
  });
  return `<ul>${items.join("")}</ul>`;
}

/** The page that VitePress leaves empty for its script to fill. */
function notFound(up) {
  return `<main id="VPContent" class="folder-not-found page-not-found"><h1>Page not found</h1><p><a href="${up}/index.html">Start page</a></p></main>`;
}

function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
