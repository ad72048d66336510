import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type Digest, Layout } from "@ocilot/layout";
import { edgeKey, findTool, openView, readGraph } from "@ocilot/referrers";

/** All that matters about a layout at one moment. */
export interface State {
  readonly text: string;
  readonly blobs: ReadonlySet<string>;
  readonly edges: readonly string[];
  /** What the model of oras finds, as `subject referrer`. */
  readonly oras: readonly string[];
  readonly tags: readonly string[];
  /** The names in the layout's own directory. */
  readonly names: readonly string[];
}

/** Looks at a layout; fails if it does not open, or if a blob is not what its name says. */
export async function stateOf(dir: string): Promise<State> {
  const layout = await Layout.open(dir);
  const snapshot = await layout.index.read();
  const view = await openView(layout, { snapshot });
  const graph = await readGraph(view);
  const oras: string[] = [];
  for (const subject of graph.subjects())
    for (const found of await findTool("oras")!.finds(view, subject)) oras.push(`${subject} ${found}`);
  return {
    text: snapshot.text,
    blobs: wholeBlobs(dir),
    edges: graph.edges().map(edgeKey),
    oras: oras.toSorted(),
    tags: snapshot.entries.flatMap((e) => (e.tag === undefined ? [] : [`${e.tag} ${e.descriptor.digest}`])).toSorted(),
    names: namesIn(dir),
  };
}

/** The names in a layout's directory, but for what `unbundle` keeps there. */
export function namesIn(dir: string): string[] {
  return readdirSync(dir)
    .filter((name) => name !== ".ocilot-bundles")
    .toSorted();
}

/** The digests of all blobs, after a check that each is what its name says. */
export function wholeBlobs(dir: string): Set<Digest> {
  const digests = new Set<Digest>();
  for (const algorithm of readdirSync(join(dir, "blobs"))) {
    for (const encoded of readdirSync(join(dir, "blobs", algorithm))) {
      const found = createHash(algorithm)
        .update(readFileSync(join(dir, "blobs", algorithm, encoded)))
        .digest("hex");
      if (found !== encoded) throw new Error(`blobs/${algorithm}/${encoded} is not what its name says`);
      digests.add(`${algorithm}:${encoded}` as Digest);
    }
  }
  return digests;
}
