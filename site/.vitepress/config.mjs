import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The pages that build.mjs gathers: docs/, and what it makes of the code and the fixtures. */
const pages = fileURLToPath(new URL("../.pages", import.meta.url));

/** Anchors as GitHub makes them, so that one link is right in both places. */
const slugify = (text) =>
  text
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}_ -]/gu, "")
    .replaceAll(" ", "-");

const items = (list) => list.map(([text, link]) => ({ text, link }));
const api = existsSync(`${pages}/api`)
  ? readdirSync(`${pages}/api`, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => ({ text: `@ocilot/${name}`, link: `/api/${name}/` }))
  : [];

export default {
  title: "ocilot",
  description: "OCI Image Layouts with referrers",
  srcDir: ".pages",
  outDir: "dist",
  cacheDir: ".cache",
  lang: "en",
  base: process.env.OCILOT_SITE_BASE ?? "/",
  // As the system says: the switch would need a script, and a folder has none.
  appearance: "force-auto",
  lastUpdated: false,
  // See theme/folder.css.
  head: [["script", {}, 'location.protocol!=="file:"&&document.documentElement.classList.add("served")']],
  markdown: { anchor: { slugify }, theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" } },
  themeConfig: {
    search: {
      provider: "local",
      options: {
        miniSearch: {
          searchOptions: {
            // The API has hundreds of short sections named after the same words; pages for people come before them.
            boostDocument: (id) => (String(id).includes("/api/") ? 0.05 : 1),
          },
        },
      },
    },
    outline: [2, 3],
    nav: items([
      ["Tutorials", "/tutorials/air-gap"],
      ["Commands", "/cli"],
      ["API", "/api/"],
    ]),
    sidebar: [
      {
        text: "Tutorials",
        items: items([
          ["Carry an image across a gap", "/tutorials/air-gap"],
          ["Check images in CI", "/tutorials/ci"],
          ["Write a tool in TypeScript", "/tutorials/typescript"],
        ]),
      },
      {
        text: "How to",
        items: items([
          ["Run ocilot in CI services", "/ci"],
          ["Choose a form for the destination", "/destinations"],
          ["Use bundles", "/bundles"],
          ["Run it without npm or Node", "/single-file"],
          ["Work with registries", "/registries"],
          ["Serve layouts", "/serve"],
          ["Set up shell completion", "/completion"],
        ]),
      },
      {
        text: "Reference",
        items: items([
          ["Commands", "/cli"],
          ["Findings of verify", "/findings"],
          ["Traps that doctor reports", "/doctor"],
          ["Conventions in pictures", "/conventions"],
          ["What a conversion keeps", "/conversion"],
          ["What a referrer is", "/evidence"],
          ["JSON for scripts", "/schemas"],
          ["Tested with real tools", "/interop"],
          ["Benchmarks", "/benchmarks"],
          ["Benchmarks against a registry", "/benchmarks-registry"],
          ["Where the time goes", "/speed"],
        ]),
      },
      { text: "API", items: api },
      {
        text: "Project",
        items: items([
          ["Decisions", "/decisions/"],
          ["Mutation tests", "/mutation"],
        ]),
      },
    ],
  },
};
