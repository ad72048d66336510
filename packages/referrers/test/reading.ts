import { KIND, type Layout } from "@ocilot/layout";
import { type Problem, type ReferrerEdge, findProblems, openView, readGraph } from "@ocilot/referrers";

/** The links of a layout in short: subject, referrer, class and conventions. */
export async function linksIn(layout: Layout): Promise<[subject: string, referrer: string, link: string, by: string][]> {
  return (await edgesIn(layout)).map((e) => [
    e.subject,
    e.referrer.digest,
    e.link,
    [...new Set(e.evidence.map((v) => v.convention))].join(" "),
  ]);
}

export async function edgesIn(layout: Layout, scan = false): Promise<readonly ReferrerEdge[]> {
  return (await readGraph(await openView(layout, { scan }))).edges();
}

export async function problemsIn(layout: Layout, scan = false): Promise<readonly Problem[]> {
  const view = await openView(layout, { scan });
  return await findProblems(view, await readGraph(view));
}

export async function tagsIn(layout: Layout): Promise<string[]> {
  return (await layout.index.read()).entries.flatMap((e) => e.tag ?? []);
}

/** Each `kind` with the digest that has it. */
export async function kindsIn(layout: Layout): Promise<string[]> {
  return (await layout.index.read()).entries.flatMap(({ descriptor: { annotations, digest } }) =>
    annotations?.[KIND] === undefined ? [] : `${annotations[KIND]} ${digest}`,
  );
}
