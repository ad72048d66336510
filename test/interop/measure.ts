import { type Digest, parseDigest } from "@ocilot/layout";
import { type TrueEdge, edgeName, platformNames, readIndex, readManifest, tagsOf } from "./layouts.js";
import { MODEL_READERS, modelBlocks, modelsFind, notationFinds, orasFinds, orasFindsByTag, orasOpens } from "./readers.js";
import type { Score } from "./table.js";

/** What every reader found in one layout, and where a real program and its model do not agree. */
export interface Measurement {
  readonly scores: Record<string, Score>;
  readonly disagreements: readonly string[];
  /** Reader → the true edges that it found. */
  readonly finds: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Asks every reader for the referrers of every subject and of every tagged manifest; models of all that is listed. */
export async function measure(layout: string, truth: readonly TrueEdge[]): Promise<Measurement> {
  const tags = await tagsOf(layout);
  const subjects = [...new Set([...truth.map((e) => e.subject), ...tags.map((t) => t.descriptor.digest as Digest)])].toSorted();
  const models = await modelsFind(
    layout,
    ["oras", "notation", ...MODEL_READERS],
    [...new Set([...subjects, ...(await manifestsOf(layout))])],
  );
  const signed = truth.some((e) => e.isNotation);
  const disagreements: string[] = [];
  const compare = (what: string, real: readonly string[], model: readonly string[] | undefined): void => {
    if (model !== undefined && real.join() !== model.join())
      disagreements.push(`${what}: the program finds [${real.join(", ")}], the model [${model.join(", ")}]`);
  };

  const oras = new Map<Digest, readonly Digest[]>();
  const platform = new Map<Digest, readonly Digest[]>();
  const notation = new Map<Digest, readonly Digest[]>();
  for (const subject of subjects) {
    const byDigest = await orasFinds(layout, subject);
    oras.set(subject, byDigest);
    compare(`oras, ${subject}`, byDigest, models.get("oras")?.get(subject));
    if (signed) {
      const signatures = await notationFinds(layout, subject);
      notation.set(subject, signatures);
      compare(`notation, ${subject}`, signatures, models.get("notation")?.get(subject));
    }
    const anyhow = new Set(byDigest);
    for (const name of await platformNames(layout, subject)) {
      const answer = await orasFindsByTag(layout, name.tag, name.platform);
      if (answer?.subject === subject) for (const digest of answer.found) anyhow.add(digest);
    }
    platform.set(subject, [...anyhow]);
  }
  for (const { tag } of tags) {
    const answer = await orasFindsByTag(layout, tag);
    const found = answer && oras.get(answer.subject as Digest);
    if (answer && found) compare(`oras, ${tag} as against its digest`, answer.found, found);
  }
  const blocks = await modelBlocks(layout, "oras");
  if ((await orasOpens(layout)) !== (blocks.length === 0))
    disagreements.push(`oras: the model says that it ${blocks.length === 0 ? "can open the layout" : `cannot: ${blocks[0]}`}`);

  const answers = new Map<string, ReadonlyMap<Digest, readonly Digest[]>>([
    ["oras", oras],
    ["oras --platform", platform],
    ["notation", notation],
    ...MODEL_READERS.flatMap((id): [string, Map<Digest, Digest[]>][] => (models.has(id) ? [[id, models.get(id)!]] : [])),
  ]);
  const scores: Record<string, Score> = {};
  const finds = new Map<string, ReadonlySet<string>>();
  const edges = new Set(truth.map(edgeName));
  for (const [reader, answer] of answers) {
    const there = reader === "notation" ? truth.filter((e) => e.isNotation).length : edges.size;
    scores[reader] = await score(layout, answer, edges, there);
    finds.set(reader, new Set([...edgesOf(answer)].filter((edge) => edges.has(edge))));
  }
  return { scores, disagreements, finds };
}

/** What `index.json` lists, and what is listed in there. */
async function manifestsOf(layout: string): Promise<Digest[]> {
  const { manifests } = await readIndex(layout);
  const nodes = await Promise.all(manifests.map(async (d) => await readManifest(layout, d.digest)));
  return [...manifests, ...nodes.flatMap((n) => n?.manifests ?? [])].map((d) => parseDigest(d.digest));
}

async function score(
  layout: string,
  answer: ReadonlyMap<Digest, readonly Digest[]>,
  edges: ReadonlySet<string>,
  there: number,
): Promise<Score> {
  const counts = { found: 0, there, named: 0, wrong: 0 };
  for (const [subject, referrers] of answer) {
    for (const referrer of referrers) {
      const manifest = await readManifest(layout, referrer);
      if (edges.has(edgeName({ subject, referrer }))) counts.found++;
      else if (manifest !== undefined && manifest.subject === undefined && referrer !== subject) counts.named++;
      else counts.wrong++;
    }
  }
  return counts;
}

function edgesOf(found: ReadonlyMap<Digest, readonly Digest[]>): Set<string> {
  return new Set([...found].flatMap(([subject, referrers]) => referrers.map((referrer) => edgeName({ subject, referrer }))));
}
