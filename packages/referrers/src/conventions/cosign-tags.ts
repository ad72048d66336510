import { type Digest, REF_NAME, isDigest } from "@ocilot/layout/spec";
import type { Convention } from "./convention.js";
import { projection } from "../records/projection.js";
import type { Problem } from "../graph/edge.js";
import { EdgeSet } from "../graph/edge-set.js";
import type { OpenedEntry } from "../records/referrer-entries.js";
import { type LayoutView, manifestOf } from "../view/layout-view.js";
import { reportedEdge, reportedEdgeProblems } from "./reported-edges.js";
import { cosignForms } from "./cosign-form.js";
import { type DigestTag, cosignTag, parseDigestTag } from "./digest-tag.js";
import { addEntry, assignSlots, unstated } from "./assign-slots.js";
import { perView } from "../view/per-view.js";

/**
 * What cosign attaches has a tag made of the subject's digest. The tags are real ones: other tools push and
 * pull by them, so none is ever taken away, and only what cosign would take for its own gets a new one.
 */
export const cosignTags: Convention = {
  id: "cosign-tags",
  title: "a tag made of the subject's digest: .sig, .att, .sbom (cosign 1 and 2)",
  traits: { shape: "other", nEdges: true, target: true },

  detect: perView(async (view) => {
    const tagged = await taggedEntries(view);
    return {
      entries: tagged.flatMap(({ opened, tag, subject }) =>
        tag.form === undefined || subject === undefined ? [] : [{ position: opened.entry.position, reason: `the tag ${opened.entry.tag}` }],
      ),
      flags: [],
      problems: tagged.flatMap(problemsOf),
    };
  }),

  async read(view) {
    return (await taggedEntries(view)).flatMap(({ opened, tag, subject }) =>
      tag.form === undefined || subject === undefined ? [] : (reportedEdge(opened, subject, "cosign-tags") ?? []),
    );
  },

  async project(graph, view) {
    const stated = new EdgeSet(await this.read(view));
    const edges = graph.edges();
    const tags = new Map(view.entries.map((e) => [e.tag, e]));
    const { assigned, losses, refusals } = assignSlots(
      "cosign-tags",
      unstated(edges, stated, await cosignForms(edges, view)),
      (edge, form) => (form === undefined ? { loss: "no-form" } : cosignTag(edge.subject, form)),
      (place) => {
        const entry = tags.get(place);
        if (entry === undefined) return undefined;
        const { digest } = entry.descriptor;
        const isReferrer = edges.some((e) => e.referrer.digest === digest && place.startsWith(e.subject.replace(":", "-")));
        return { digest, isReferrer, at: `index.json entry ${entry.position}` };
      },
    );
    const changes = [...assigned].map(([tag, edge]) => addEntry(edge.subject, edge.referrer, { [REF_NAME]: tag }));
    return projection({ changes, losses, refusals });
  },

  /** Tags are never removed: a user or another tool may rely on them. */
  async withdraw(_graph, view) {
    const { entries } = await this.detect(view);
    return projection({
      kept: entries.map(({ position, reason }) => `index.json entry ${position} is kept: ${reason} is a tag that other tools use`),
    });
  },
};

interface TaggedEntry {
  readonly opened: OpenedEntry;
  readonly tag: DigestTag;
  /** Undefined where the tag is not made of a whole digest and no manifest fits it. */
  readonly subject: Digest | undefined;
}

async function taggedEntries(view: LayoutView): Promise<TaggedEntry[]> {
  const tagged = view.entries.flatMap((entry) => {
    const tag = parseDigestTag(entry.tag ?? "");
    return tag === undefined ? [] : [{ entry, tag }];
  });
  const nodes = await view.nodes(tagged.map((t) => t.entry.descriptor));
  const found: TaggedEntry[] = [];
  for (const [i, { entry, tag }] of tagged.entries()) {
    found.push({ opened: { entry, node: nodes[i]! }, tag, subject: await subjectOf(view, tag) });
  }
  return found;
}

/** A digest cut to 64 characters, as the length of a tag asks, means the one manifest that begins so. */
async function subjectOf(view: LayoutView, { algorithm, encoded }: DigestTag): Promise<Digest | undefined> {
  const whole = `${algorithm}:${encoded}`;
  if (isDigest(whole)) return whole;
  const known = new Set<Digest>();
  for (const { node } of await view.reach()) {
    known.add(node.descriptor.digest);
    const subject = manifestOf(node)?.subject?.digest;
    if (subject !== undefined) known.add(subject);
  }
  const fitting = [...known].filter((d) => d.startsWith(whole));
  return encoded.length === 64 && fitting.length === 1 ? fitting[0] : undefined;
}

function problemsOf({ opened, tag, subject }: TaggedEntry): Problem[] {
  const { position, descriptor, tag: name } = opened.entry;
  const about = { position, digest: descriptor.digest };
  if (tag.form === undefined) {
    const message = `the tag ${name} of ${descriptor.digest} is made of a digest and a suffix that cosign does not use`;
    return [{ code: "UNKNOWN_DIGEST_TAG", message, ...about }];
  }
  if (subject !== undefined) return reportedEdgeProblems(opened, subject, `the tag ${name}`);
  return [{ code: "INVALID_SUBJECT", message: `the tag ${name} is not made of the digest of any manifest`, ...about }];
}
