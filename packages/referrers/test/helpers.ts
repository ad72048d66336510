import { type Digest, type Layout, OcilotError } from "@ocilot/layout";
import { type ConventionId, type LayoutView, type ReferrerEdge, convert, findTool, openView, readGraph } from "@ocilot/referrers";
import { indexText } from "@ocilot/testkit";

/** The targets of which a layout can bear all at once. */
export const SIX = ["oras", "regclient", "olareg", "containerd", "image-spec", "universal"] as const satisfies readonly ConventionId[];

/** Which model must find everything after a conversion to its convention. */
export const NAMESAKES = {
  oras: ["oras"],
  regclient: ["regctl"],
  olareg: ["olareg"],
  containerd: ["containerd"],
  "image-spec": [],
  universal: ["oras", "regctl", "regctl-slow", "olareg", "containerd"],
} as const;

/** Links as a plain object that a failing test can print: subject → sorted referrers. */
export type Links = Record<string, Digest[]>;

export function linksOf(edges: readonly ReferrerEdge[]): Links {
  const links: Links = {};
  for (const { subject, referrer } of edges) {
    const list = (links[subject] ??= []);
    if (!list.includes(referrer.digest)) list.push(referrer.digest);
  }
  for (const list of Object.values(links)) list.sort();
  return links;
}

/** What a tool finds for each of `subjects`; subjects for which it finds nothing are left out. */
export async function foundBy(tool: string, view: LayoutView, subjects: Iterable<Digest>): Promise<Links> {
  const links: Links = {};
  for (const subject of new Set(subjects)) {
    const found = [...(await findTool(tool)!.finds(view, subject))].toSorted();
    if (found.length > 0) links[subject] = found;
  }
  return links;
}

/** Every digest that something in a view could be asked for. */
export async function allDigests(view: LayoutView): Promise<Digest[]> {
  const graph = await readGraph(view);
  return [...graph.subjects(), ...(await view.reach()).map((r) => r.node.descriptor.digest)];
}

/** Only the links whose referrer names the subject itself. */
export async function subjectLinks(view: LayoutView): Promise<Links> {
  return linksOf((await readGraph(view)).edges().filter((e) => e.link === "S"));
}

/** Writes `convention` anew in canonical form: its own records go first, by a detour over conventions that share none. */
export async function makeCanonical(layout: Layout, convention: ConventionId): Promise<void> {
  for (const to of ["regclient", "oras", "regclient", convention] as const) await convert(layout, { to, only: true });
}

export async function viewOf(layout: Layout): Promise<LayoutView> {
  return await openView(layout);
}

export async function errorOf(action: Promise<unknown>): Promise<OcilotError> {
  try {
    await action;
  } catch (error) {
    if (error instanceof OcilotError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

/** The parsed entries of `index.json`. */
export async function entriesOf(layout: Layout): Promise<Record<string, any>[]> {
  return (JSON.parse(await indexText(layout)) as { manifests: Record<string, any>[] | null }).manifests ?? [];
}

/** Whether a link that was not lost in a conversion is one that this reader has to find: universal's parts hold different ones. */
export function isHeldFor(to: ConventionId, reader: string, { link, legacy, referrer }: ReferrerEdge): boolean {
  if (to !== "universal" || reader === "containerd") return true;
  const isOrasArtifact = legacy === true && referrer.mediaType.includes("cncf.oras");
  return link === "S" && !(isOrasArtifact && (reader === "oras" || reader === "universal"));
}
