// Draws a layout as SVG: the entries of index.json, the manifests that they name, and an arrow from each referrer to its subject.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const [ROW, BOX, ENTRY, LIST, MANIFEST, INDENT, GAP, ARCS] = [50, 40, 236, 136, 236, 20, 44, 66];
const TAG = "org.opencontainers.image.ref.name";
/** Annotations of an entry that say more than that it has no tag. */
const TELLING = ["io.containerd.manifest.subject", "org.olareg.referrer.subject", "kind"];
const NAMES = { sig: "signature", att: "attestation", sbom: "SBOM" };

/** Returns the picture of a layout directory, with its text alternative, as one line of HTML. */
export function conventionPicture(layout) {
  const index = read(join(layout, "index.json"));
  const manifests = new Map();
  const lists = new Map();
  const edges = [];

  function open({ digest, platform, annotations = {} }, depth, name) {
    if (manifests.has(digest)) return;
    const manifest = read(join(layout, "blobs", digest.replace(":", "/")));
    const reference = annotations["vnd.docker.reference.digest"];
    const subject = manifest.subject?.digest ?? reference;
    const os = platform === undefined || platform.os === "unknown" ? undefined : `${platform.os}/${platform.architecture}`;
    const type = manifest.artifactType ?? manifest.config?.mediaType;
    const shown = name ?? os ?? annotations["vnd.docker.reference.type"] ?? (manifest.manifests ? "image index" : type);
    manifests.set(digest, { digest, depth, name: shown, children: [] });
    if (subject !== undefined) edges.push({ from: digest, to: subject, isField: manifest.subject !== undefined });
    for (const child of manifest.manifests ?? []) {
      open(child, depth + 1);
      if (child.annotations?.["vnd.docker.reference.digest"] === undefined) manifests.get(digest).children.push(child.digest);
    }
  }

  const entries = index.manifests.map((entry) => {
    const tag = entry.annotations?.[TAG];
    const cosign = /^sha256-([0-9a-f]{64})\.(sig|att|sbom)$/.exec(tag ?? "");
    const isList = entry.annotations?.["org.olareg.referrer.subject"] !== undefined || /^sha256-[0-9a-f]{64}$/.test(tag ?? "");
    const telling = TELLING.find((key) => entry.annotations?.[key] !== undefined);
    if (isList) {
      const members = read(join(layout, "blobs", entry.digest.replace(":", "/"))).manifests;
      lists.set(
        entry.digest,
        members.map((member) => member.digest),
      );
      for (const member of members) open(member, 0);
    } else open(entry, 0, cosign === null ? undefined : NAMES[cosign[2]]);
    if (cosign !== null) edges.push({ from: entry.digest, to: `sha256:${cosign[1]}`, isField: false });
    const label = tag === undefined ? (telling ?? "no tag") : `tag ${short(tag)}`;
    const second = telling !== undefined && tag === undefined ? `= ${short(entry.annotations[telling])}` : short(entry.digest);
    return { label, second, to: entry.digest };
  });
  for (const digest of unnamed(layout, manifests)) open({ digest }, 0);

  const rows = inOrder(manifests, edges);
  const [listX, manifestX] = [ENTRY + GAP, ENTRY + GAP + (lists.size > 0 ? LIST + GAP : 0)];
  const height = Math.max(entries.length, rows.length) * ROW + 34;
  const deepest = Math.max(...rows.map((row) => row.depth));
  const width = manifestX + MANIFEST + deepest * INDENT + ARCS;
  const y = (i) => 28 + i * ROW;
  const middle = (i) => y(i) + BOX / 2;
  const rowOf = new Map(rows.map(({ digest }, i) => [digest, i]));
  const left = (digest) => [manifestX + rows[rowOf.get(digest)].depth * INDENT, middle(rowOf.get(digest))];
  const parts = [text(0, 16, "index.json", "head"), text(manifestX, 16, "manifests", "head")];
  if (lists.size > 0) parts.push(text(listX, 16, "lists", "head"));
  for (const [i, { label, second, to }] of entries.entries()) {
    parts.push(box(0, y(i), ENTRY, label, second, "entry"));
    if (!lists.has(to)) {
      parts.push(line([ENTRY, middle(i)], left(to)));
      continue;
    }
    parts.push(line([ENTRY, middle(i)], [listX, middle(i)]), box(listX, y(i), LIST, "image index", short(to), "list"));
    for (const member of lists.get(to)) parts.push(line([listX + LIST, middle(i)], left(member)));
  }
  for (const [i, { digest, depth, name, children }] of rows.entries()) {
    const x = manifestX + depth * INDENT;
    parts.push(box(x, y(i), MANIFEST, name, short(digest), "manifest"));
    for (const child of children) {
      parts.push(`<path class="child" d="M${x + 9} ${y(i) + BOX}V${middle(rowOf.get(child))}H${x + INDENT}"/>`);
    }
  }
  for (const { from, to, isField } of edges) {
    const [a, b] = [rowOf.get(from), rowOf.get(to)];
    const right = (i) => manifestX + rows[i].depth * INDENT + MANIFEST;
    const far = manifestX + deepest * INDENT + MANIFEST + 22 + Math.abs(a - b) * 10;
    const [start, end] = [`${right(a)} ${middle(a)}`, `${right(b) + 9} ${middle(b)}`];
    parts.push(`<path class="${isField ? "field" : "record"}" d="M${start}C${far} ${middle(a)} ${far} ${middle(b)} ${end}"/>`);
    parts.push(`<path class="tip" d="M${right(b) + 1} ${middle(b)}l9 -5v10z"/>`);
  }
  const alternative = description(entries, edges, manifests, lists);
  const svg = `<svg viewBox="0 0 ${width} ${height}" style="max-width:${width}px" role="img" aria-label="${escaped(alternative)}">${parts.join("")}</svg>`;
  return `<div class="picture" tabindex="0" role="group" aria-label="Picture">${svg}</div>`;
}

function description(entries, edges, manifests, lists) {
  const named = (digest) => manifests.get(digest).name;
  const lines = entries.map(({ label, to }) => {
    const what = lists.has(to) ? `a list of ${lists.get(to).map(named).join(", ")}` : named(to);
    return `${label}: ${what}`;
  });
  const links = edges.map(({ from, to, isField }) => `${named(from)} → ${named(to)}${isField ? "" : " (without a subject field)"}`);
  return `Entries of index.json: ${lines.join("; ")}. Referrers and their subjects: ${links.join("; ")}.`;
}

/** Returns the manifests in blobs/ that no entry and no list names, but whose subject is shown. */
function unnamed(layout, manifests) {
  return readdirSync(join(layout, "blobs/sha256"))
    .map((hex) => [`sha256:${hex}`, readFileSync(join(layout, "blobs/sha256", hex), "utf8")])
    .filter(([digest, json]) => !manifests.has(digest) && json.startsWith('{"') && json.includes('"subject":{'))
    .filter(([, json]) => manifests.has(JSON.parse(json).subject.digest))
    .map(([digest]) => digest);
}

/** Subjects first, each followed by its children, then by its referrers. */
function inOrder(manifests, edges) {
  const rows = [];
  function add(digest, depth) {
    const manifest = manifests.get(digest);
    if (manifest === undefined || rows.some((row) => row.digest === digest)) return;
    rows.push({ ...manifest, depth });
    for (const child of manifest.children) add(child, depth + 1);
    for (const { from } of edges.filter((edge) => edge.to === digest)) add(from, depth);
  }
  const roots = [...manifests.values()].filter(({ digest }) => !edges.some((edge) => edge.from === digest));
  for (const { digest } of roots.toSorted((a, b) => b.children.length - a.children.length)) add(digest, 0);
  return rows;
}

function read(path) {
  return JSON.parse(readFileSync(path, "utf8"));
}

function short(value) {
  return value.replaceAll(/(sha256[:-])([0-9a-f]{8})[0-9a-f]{56}/g, "$1$2…").replace("dev.cosignproject.cosign", "…");
}

function text(x, y, value, className) {
  return `<text x="${x}" y="${y}" class="${className}">${escaped(value)}</text>`;
}

function box(x, y, width, label, second, className) {
  const rect = `<rect x="${x + 1}" y="${y}" width="${width - 2}" height="${BOX}" rx="5" class="${className}"/>`;
  return `${rect}${text(x + 10, y + 17, label, "name")}${text(x + 10, y + 33, second, "digest")}`;
}

function line([x1, y1], [x2, y2]) {
  const half = (x1 + x2) / 2;
  return `<path class="names" d="M${x1} ${y1}C${half} ${y1} ${half} ${y2} ${x2} ${y2}"/>`;
}

function escaped(value) {
  return value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
