// Builds the site into site/dist: gathers the pages, makes the API pages with TypeDoc, renders all with VitePress, and makes every
// address relative and adds a menu and a search that need no server, so that the pages can be read from a folder. Fails where a link or an anchor leads nowhere.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Application } from "typedoc";
import { build } from "vitepress";
import { checkLinks } from "./check-links.mjs";
import { gatherPages } from "./gather-pages.mjs";
import { makeRelative } from "./make-relative.mjs";
import { readFromFolder } from "./read-from-folder.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const PACKAGES = ["layout", "referrers", "registry", "server"];

/** One folder of pages for each package. */
async function apiPages() {
  const list = [];
  for (const name of PACKAGES) {
    const folder = join(here, "../packages", name);
    const app = await Application.bootstrapWithPlugins({
      entryPoints: [`${folder}/src/index.ts`],
      tsconfig: `${folder}/tsconfig.json`,
      plugin: ["typedoc-plugin-markdown"],
      out: `${here}.pages/api/${name}`,
      name: `@ocilot/${name}`,
      readme: "none",
      entryFileName: "index.md",
      outputFileStrategy: "modules",
      hidePageHeader: true,
      hideBreadcrumbs: true,
      sanitizeComments: true,
      useCodeBlocks: true,
      disableSources: true,
      excludeInternal: true,
      skipErrorChecking: true,
      validation: { invalidLink: false, notExported: false },
      logLevel: "Error",
    });
    const project = await app.convert();
    if (project === undefined) throw new Error(`TypeDoc cannot read @ocilot/${name}`);
    await app.generateOutputs(project);
    const index = join(here, `.pages/api/${name}/index.md`);
    writeFileSync(index, withSingleAnchors(readFileSync(index, "utf8")));
    const { description } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
    list.push(`- [@ocilot/${name}](./${name}/index.md): ${description}`);
  }
  writeFileSync(
    `${here}.pages/api/index.md`,
    `# API\n\nEvery export of the packages, made from the comments in their sources.\n\n${list.join("\n")}\n`,
  );
}

/** TypeDoc numbers an anchor where a type and a value share a name, although only one of them has a heading. */
function withSingleAnchors(text) {
  const headings = [...text.matchAll(/^#+ (.*)$/gm)].map((m) =>
    m[1]
      .toLowerCase()
      .replaceAll(/[^a-z0-9_ -]/g, "")
      .replaceAll(" ", "-"),
  );
  return text.replaceAll(/\(#([a-z0-9_-]+?)-1\)/g, (whole, slug) => (headings.filter((h) => h === slug).length > 1 ? whole : `(#${slug})`));
}

process.chdir(here);
gatherPages();
await apiPages();
await build(here);
makeRelative(`${here}dist`);
// Read only now: it lists the API pages that are there.
const { default: config } = await import("./.vitepress/config.mjs");
readFromFolder(`${here}dist`, config.themeConfig.sidebar);
const { pages, broken } = checkLinks(`${here}dist`);
for (const line of broken) console.error(line);
console.log(`${pages} pages, ${broken.length} dead links`);
process.exitCode = broken.length > 0 ? 1 : 0;
