import { type Descriptor, type Digest, OLAREG_CONVERT, OLAREG_SUBJECT } from "@ocilot/layout/spec";
import { subjectEdge } from "../graph/referrer-graph.js";
import { perView } from "../view/per-view.js";
import type { ReaderTool, Trap } from "./reader-tool.js";
import { responseDescriptor, sameLine } from "../records/response-index.js";
import { type LayoutView, manifestOf } from "../view/layout-view.js";

/**
 * olareg serving the directory: the first list under its annotation, whose lines are not checked. Where its flag is not
 * set it first turns exact fallback lists into its own, once; a list that is not exact makes 0.2.2 hang.
 */
export const olaregTool: ReaderTool = {
  id: "olareg",
  title: "olareg 0.2.2",

  async finds(view, subject) {
    const { served, traps } = await modelOf(view);
    return traps.length > 0 ? [] : (served.get(subject) ?? []);
  },

  async traps(view) {
    return (await modelOf(view)).traps;
  },
};

interface Model {
  readonly served: Map<string, readonly Digest[]>;
  readonly traps: Trap[];
}

const modelOf = perView(build);

const FALLBACK_TAG = /^(sha256|sha512)-[0-9a-f]{64}$/;

async function build(view: LayoutView): Promise<Model> {
  const served = new Map<string, readonly Digest[]>();
  const traps: Trap[] = [];
  const converts = view.annotations[OLAREG_CONVERT] !== "true";
  for (const { descriptor, tag } of view.entries) {
    const mark = descriptor.annotations?.[OLAREG_SUBJECT];
    if (mark === undefined && !(converts && tag !== undefined && FALLBACK_TAG.test(tag))) continue;
    const [node] = await view.nodes([descriptor]);
    const manifest = manifestOf(node);
    if (manifest?.kind !== "index") continue;
    const lines = manifest.manifests.map((d) => d.digest);
    if (mark !== undefined) {
      if (!served.has(mark)) served.set(mark, lines);
      continue;
    }
    const subject = await soleSubject(view, manifest.manifests);
    if (subject !== undefined) served.set(subject, served.get(subject) ?? lines);
    else if (lines.length > 0)
      traps.push({ severity: "blocks", message: `the list under ${tag} is not what olareg would write: olareg 0.2.2 hangs on it` });
  }
  return { served, traps };
}

/** The subject of a list that olareg accepts as it is: every line readable, exact, and for the same subject. */
async function soleSubject(view: LayoutView, lines: readonly Descriptor[]): Promise<Digest | undefined> {
  const nodes = await view.nodes(lines);
  const subjects = new Set<Digest>();
  for (let i = 0; i < nodes.length; i++) {
    const edge = subjectEdge(nodes[i]!, { convention: "regclient" });
    if (edge === undefined || !sameLine(lines[i]!, responseDescriptor(edge))) return undefined;
    subjects.add(edge.subject);
  }
  return subjects.size === 1 ? [...subjects][0] : undefined;
}
