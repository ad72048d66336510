// Puts the pages of the site together in site/.pages: docs/ as it is, with links out of it turned into links to the repository, and
// pages that are made of fixtures and schemas. The API pages are made by TypeDoc, see build.mjs.
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { conventionPicture } from "./convention-picture.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const pages = join(root, "site/.pages");
const REPOSITORY = "https://github.com/ocilot/ocilot/blob/main";

/** What each fixture shows: the convention, the program that wrote it, and what to look at. */
const PICTURES = [
  [
    "oras",
    "oras",
    "oras, notation",
    "An untagged entry for each referrer. The link is the `subject` of the manifest, which `index.json` does not show.",
  ],
  [
    "regclient",
    "regclient",
    "regctl",
    "A list for each subject, under the tag `sha256-…` of that subject. The referrers themselves have no entry.",
  ],
  [
    "olareg",
    "olareg",
    "olareg",
    "A list for each subject, marked with `org.olareg.referrer.subject`; a flag on `index.json` says that the lists are complete.",
  ],
  ["containerd-export", "containerd", "ctr images export", "Each referrer has an entry with `io.containerd.manifest.subject`."],
  [
    "buildkit-attestation",
    "buildkit",
    "docker buildx build --attest",
    "Nothing in `index.json`: attestations are entries of the image index, with `vnd.docker.reference.digest`.",
  ],
  ["cosign-tags", "cosign-tags", "cosign 2", "Tags `sha256-….sig`, `.att` and `.sbom` that are made from the digest of the subject."],
  ["cosign-save-bundle", "cosign-save", "cosign save", "Entries with the annotation `kind`, all without a tag."],
];

export function gatherPages() {
  rmSync(pages, { recursive: true, force: true });
  mkdirSync(pages, { recursive: true });
  for (const name of readdirSync(join(root, "docs"), { recursive: true })) {
    // Reports for reviewers; the site has typedoc's pages there.
    if (name.endsWith(".api.md")) continue;
    const [from, to] = [join(root, "docs", name), join(pages, name)];
    if (statSync(from).isDirectory()) continue;
    mkdirSync(dirname(to), { recursive: true });
    if (!name.endsWith(".md")) cpSync(from, to);
    else
      writeFileSync(
        to.replace(/README\.md$/, "index.md"),
        page(readFileSync(from, "utf8"), posix.join("docs", name.replaceAll("\\", "/"))),
      );
  }
  const readme = readFileSync(join(root, "README.md"), "utf8");
  writeFileSync(join(pages, "index.md"), page(readme, "README.md"));
  writeFileSync(join(pages, "conventions.md"), conventions());
  cpSync(join(root, "packages/cli/schema"), join(pages, "public/schema"), { recursive: true });
  cpSync(join(root, "packages/referrers/schema"), join(pages, "public/schema"), { recursive: true });
}

/** Returns a page for the site: links within docs/ lead to pages, all others to the repository. */
function page(text, path) {
  return text
    .replaceAll(/^<!-- setup\n.*?^-->\n/gms, "")
    .replaceAll(/^```(console|sh|ts) no-run$/gm, "```$1")
    .replaceAll(/ (src|srcset)="(?!\.|\/|https?:)/g, ' $1="./')
    .replaceAll(/\]\((?!https?:|#|mailto:)([^)\s]+)\)/g, (_, link) => `](${linkFrom(path, link)})`);
}

function linkFrom(path, link) {
  const [file, anchor] = link.split("#");
  const target = posix.normalize(posix.join(posix.dirname(path), file));
  const schema = /^packages\/(?:cli|referrers)\/schema\/(.*)$/.exec(target);
  if (schema !== null) return `/schema/${schema[1]}`;
  if (target === "README.md") return "/index.md";
  if (!target.startsWith("docs/")) return `${REPOSITORY}/${target}`;
  const inside = `/${target.slice("docs/".length).replace(/README\.md$/, "index.md")}`;
  return anchor === undefined ? inside : `${inside}#${anchor}`;
}

/** The index.json files that real programs wrote, with the longest values shortened. */
function conventions() {
  const parts = PICTURES.map(([fixture, id, writer, text]) => {
    const layout = join(root, "fixtures/layouts", fixture);
    const index = readFileSync(join(layout, "index.json"), "utf8");
    return `## ${id}\n\nWritten by ${writer}. ${text}\n\n${conventionPicture(layout)}\n\n\`\`\`json\n${shortened(JSON.stringify(JSON.parse(index), null, 2))}\n\`\`\`\n`;
  });
  return [
    "# Conventions in pictures\n",
    "The same image with the same referrers, as `index.json` looks after each program wrote it. Digests are shortened. What each convention can",
    "record is in [What a conversion keeps](/conversion.md); who finds what is in [Tested with real tools](/interop.md).\n",
    "Lines lead from an entry to what it names, arrows from a referrer to its subject: a solid one where the manifest has a `subject` field, a",
    "dashed one where only a record makes the link.\n",
    ...parts,
  ].join("\n");
}

function shortened(json) {
  return json.replaceAll(/(sha256[:-])([0-9a-f]{8})[0-9a-f]{56}/g, "$1$2…");
}
