import { type Descriptor, type Digest, type IndexEdit, type IndexSnapshot, LAYOUT_VERSION, type Layout, OcilotError } from "@ocilot/layout";
import { CONVENTIONS, TARGETS, findConvention, partsOf } from "../conventions/registry.js";
import type { Convention, DigestChange, Loss } from "../convention.js";
import type { ConventionId, Problem } from "../edge.js";
import { EdgeSet } from "../edge-set.js";
import type { ReferrerGraph } from "../graph.js";
import { IndexDraft, placeChanges } from "../index-draft.js";
import { type ViewOptions, openView } from "../layout-view.js";
import { findProblems } from "../problems.js";
import { withoutLifted } from "../lift/lifted.js";
import { readGraph } from "../read-graph.js";
import { recordKeys } from "../records.js";
import type { LayoutView, NewBlob } from "../view.js";
import { buildkitTarget } from "./buildkit-target.js";
import { checkOutcome } from "./check.js";
import { keptUp } from "../kept-up.js";
import { lostLinks } from "../losses.js";
import { keepInReach } from "./keep-in-reach.js";
import { NEVER_TARGETS } from "./grid.js";

/** One thing that a plan does: writes a new list, or edits `index.json`. Positions are those of the base. */
export type Step = { readonly op: "put"; readonly descriptor: Descriptor; readonly text: string } | IndexEdit;

/** What a conversion would do; plain data, so that it can be shown, kept and carried out later. */
export interface Plan {
  readonly to: ConventionId;
  readonly only: boolean;
  /** The digest of the `index.json` that the plan is for. */
  readonly base: Digest;
  readonly edges: number;
  readonly steps: readonly Step[];
  /** Links that the target cannot hold; they stay where they are. One that was lifted is none: another manifest says the same. */
  readonly losses: readonly Loss[];
  /** Records that `only` would withdraw and that stay, and why. */
  readonly kept: readonly string[];
  /** Old → new digests; only a conversion to `buildkit` has any. */
  readonly digestChanges: readonly DigestChange[];
  /** Why the plan cannot be carried out; such a plan is refused as a whole. */
  readonly refusals: readonly string[];
  /** What is odd about the layout, convention by convention. */
  readonly problems: readonly Problem[];
}

/** What a conversion is to do. */
export interface ConversionOptions extends ViewOptions {
  readonly to: ConventionId;
  /** Withdraw the records of all other conventions where the target's hold every edge of theirs. */
  readonly only?: boolean;
  /** Let tags move to image indexes that are written anew: there is no other way to `buildkit`. */
  readonly allowDigestChange?: boolean;
}

/**
 * Works out how to make the layout speak a convention; writes nothing. The records of conventions that the layout
 * speaks already are brought up to date too, or withdrawn with `only`.
 * @throws OcilotError `USAGE` for a convention that is no target, and what reading `index.json` throws
 */
export async function planConversion(layout: Layout, options: ConversionOptions): Promise<Plan> {
  return await planOver(await layout.index.read(), layout, options);
}

/** As {@link planConversion}, for an `index.json` at hand. */
export async function planOver(snapshot: IndexSnapshot, layout: Layout, options: ConversionOptions): Promise<Plan> {
  const target = targetOf(options, layout);
  const view = await openView(layout, { ...options, snapshot, strict: true });
  const graph = await readGraph(view);
  const others = options.only === true ? [] : await othersSpoken(view, target);
  const { draft, losses, kept, digestChanges, ...drafted } = await draftConversion(view, graph, target, others, options.only ?? false);
  await keepInReach(view, draft);
  const { changes, blobs } = draft.projection();
  const keys = await recordKeys(graph, view);
  const edits = placeChanges(changes, view.entries.length, (position) => keys.get(position));
  const refusals = [...drafted.refusals, ...(edits.length > 0 ? writeObstacles(snapshot, layout) : [])];
  const outcome = refusals.length > 0 ? [] : await checkOutcome(view, draft.view(), graph, target, losses);
  return {
    to: target.id,
    only: options.only ?? false,
    base: snapshot.digest,
    edges: graph.size,
    steps: [...blobs.map(putStep), ...edits],
    losses: await withoutLifted(losses, graph, view),
    kept,
    digestChanges,
    refusals: [...refusals, ...outcome],
    problems: await findProblems(view, graph),
  };
}

/** The conventions beside the target that are to be kept up to date. */
async function othersSpoken(view: LayoutView, target: Convention): Promise<Convention[]> {
  const own = new Set([target, ...partsOf(target)]);
  return (await keptUp(view)).filter((c) => !own.has(c) && partsOf(c).length === 1);
}

/** Said before anything is written, although the writing would be refused too: by then the lists would be there. */
function writeObstacles(snapshot: IndexSnapshot, layout: Layout): string[] {
  const obstacles = snapshot.quirks.map(({ message }) => `index.json: ${message}; tools read it differently, so it is not edited`);
  if (layout.version !== LAYOUT_VERSION)
    obstacles.push(`oci-layout: version ${layout.version} is unknown; ocilot writes only ${LAYOUT_VERSION}`);
  return obstacles;
}

interface Drafted {
  readonly draft: IndexDraft;
  readonly losses: readonly Loss[];
  readonly kept: string[];
  readonly refusals: readonly string[];
  readonly digestChanges: readonly DigestChange[];
}

async function draftConversion(
  view: LayoutView,
  graph: ReferrerGraph,
  target: Convention,
  others: readonly Convention[],
  only: boolean,
): Promise<Drafted> {
  const draft = new IndexDraft(view);
  const kept: string[] = [];
  const parts = partsOf(target);
  // What the layout speaks comes first, so that the target's lists find their place on entries that are right already.
  for (const convention of others) {
    const projection = await convention.project(graph, draft.view());
    draft.apply(projection);
    kept.push(...projection.refusals.map((reason) => `${convention.id} is not brought up to date: ${reason}`));
  }
  const { losses, refusals, digestChanges = [], ...projection } = await target.project(graph, draft.view());
  draft.apply(projection);
  if (only) {
    const lost = losses.length === 0 ? undefined : lostLinks(losses);
    const leaving = withdrawalOrder(parts);
    for (const convention of leaving) {
      const held = await heldWithout(convention, leaving, graph, lost, draft.view());
      const withdrawal = await convention.withdraw(held, draft.view());
      draft.apply(withdrawal);
      kept.push(...withdrawal.kept);
    }
  }
  return { draft, losses, kept, refusals, digestChanges };
}

/**
 * The links that stay recorded if this convention gives up its records: those that the target holds, and of the others
 * those that yet another convention states. The last record of a link never goes.
 */
async function heldWithout(
  convention: Convention,
  others: readonly Convention[],
  graph: ReferrerGraph,
  lost: EdgeSet | undefined,
  view: LayoutView,
): Promise<ReferrerGraph> {
  if (lost === undefined) return graph;
  const elsewhere = new EdgeSet();
  for (const other of others) {
    if (other === convention || other.id === "unlisted") continue;
    for (const edge of await other.read(view)) elsewhere.add(edge);
  }
  return graph.filter((e) => !lost.has(e) || elsewhere.has(e));
}

/** oras comes last: its record is the plain entry, which the others leave behind when they take their annotation. */
function withdrawalOrder(parts: readonly Convention[]): Convention[] {
  const others = CONVENTIONS.filter((c) => !parts.includes(c) && partsOf(c).length === 1);
  return others.toSorted((a, b) => Number(a.id === "oras") - Number(b.id === "oras"));
}

function targetOf({ to: id, allowDigestChange = false }: ConversionOptions, layout: Layout): Convention {
  if (id === "buildkit") return buildkitTarget(layout.blobs, allowDigestChange);
  const convention = findConvention(id);
  if (convention?.traits.target === true) return convention;
  throw new OcilotError(
    "USAGE",
    `${id} cannot be the target of a conversion: ${NEVER_TARGETS[id] ?? "there is no such convention"}`,
    { argument: "to" },
    { hint: `Targets are: ${TARGETS.join(", ")}.` },
  );
}

function putStep(blob: NewBlob): Step {
  return { op: "put", descriptor: blob.descriptor, text: blob.text };
}

/** The parts of a plan that edit `index.json`. */
export function editsOf(plan: Plan): IndexEdit[] {
  return plan.steps.filter((s) => s.op !== "put");
}

/** The lists that a plan writes. */
export function blobsOf(plan: Plan): NewBlob[] {
  return plan.steps.filter((s) => s.op === "put");
}
