import { type Descriptor, type Digest, OcilotError } from "@ocilot/layout/spec";
import type { ReferrerGraph } from "../graph.js";
import { type LayoutView, manifestOf } from "../view.js";

/** What must stay, and what speaks for the part of it that no entry leads to. */
export interface Marked {
  readonly kept: ReadonlySet<Digest>;
  /** Manifests that nothing lists and that refer to something kept. */
  readonly unlisted: readonly Digest[];
}

/**
 * Marks everything that entries lead to, through children, configs, layers and `subject`, and then every referrer of
 * what is marked, by whatever convention, listed or not, until nothing new turns up. With `absentSubjects` a subject that
 * is not in the layout counts too, as long as something marked names it.
 * @throws OcilotError `BLOB_CORRUPT` and the like for a manifest that cannot be read: what it needs cannot be told
 */
export async function mark(view: LayoutView, graph: ReferrerGraph, options: { absentSubjects: boolean }): Promise<Marked> {
  const kept = new Set<Digest>();
  const unlisted: Digest[] = [];
  await follow(view.entries.map((e) => e.descriptor));
  const loose = new Map((await view.unlisted()).map((n) => [n.descriptor.digest, n]));
  for (let found = -1; found !== kept.size;) {
    found = kept.size;
    const referrers = graph.edges().filter((e) => kept.has(e.subject) && !kept.has(e.referrer.digest));
    await follow(referrers.map((e) => e.referrer));
    for (const [digest, node] of loose) {
      const subject = manifestOf(node)?.subject?.digest;
      if (subject === undefined || !kept.has(subject)) continue;
      loose.delete(digest);
      if (graph.of(subject).every((e) => e.referrer.digest !== digest || e.evidence.every((v) => v.convention === "unlisted")))
        unlisted.push(digest);
      await follow([node.descriptor]);
    }
  }
  return { kept, unlisted };

  async function follow(start: readonly Descriptor[]): Promise<void> {
    let level = [...start];
    const seen = new Set<string>();
    while (level.length > 0) {
      const nodes = await view.nodes(level);
      level = [];
      for (const node of nodes) {
        if (node.state === "damaged") throw unreadable(node.error);
        const { digest } = node.descriptor;
        if (node.state !== "absent" || options.absentSubjects) kept.add(digest);
        const manifest = manifestOf(node);
        if (manifest === undefined || seen.has(digest)) continue;
        seen.add(digest);
        for (const blob of [manifest.config, ...manifest.layers, ...manifest.manifests, manifest.subject]) {
          if (blob !== undefined && !(kept.has(blob.digest) && seen.has(blob.digest))) level.push(blob);
        }
      }
    }
  }
}

function unreadable(error: OcilotError): OcilotError {
  return new OcilotError(error.code, `${error.message}; nothing is collected, because what it needs cannot be told`, error.details, {
    cause: error,
    hint: "Mend or detach it first: ocilot verify LAYOUT shows what is damaged.",
  });
}
