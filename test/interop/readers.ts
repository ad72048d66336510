import { Layout, type Digest, parseDigest } from "@ocilot/layout";
import { findTool, openView } from "@ocilot/referrers";
import { run } from "./tools.js";

/** The readers that are real programs here, and those that only a model stands for. */
export const REAL_READERS = ["oras", "oras --platform", "notation"] as const;
export const MODEL_READERS = ["regctl", "regctl-slow", "olareg", "containerd", "buildx", "zot"] as const;

interface Discovered {
  readonly digest: string;
  readonly referrers?: readonly { readonly digest: string }[];
}

/** `oras discover layout@digest`: the direct referrers; none where oras cannot resolve the digest or open the layout. */
export async function orasFinds(layout: string, subject: Digest): Promise<Digest[]> {
  return (await discover(["--oci-layout", `${layout}@${subject}`]))?.found ?? [];
}

/** `oras discover` by a tag, and the digest that the tag has for oras; undefined where it finds no such thing. */
export async function orasFindsByTag(
  layout: string,
  tag: string,
  platform?: string,
): Promise<{ subject: string; found: Digest[] } | undefined> {
  return await discover([tag, "--oci-layout-path", layout, ...(platform === undefined ? [] : ["--platform", platform])]);
}

async function discover(args: readonly string[]): Promise<{ subject: string; found: Digest[] } | undefined> {
  const { code, stdout } = await run("oras", ["discover", ...args, "--format", "json", "--depth", "1"]);
  if (code !== 0) return undefined;
  const answer = JSON.parse(stdout) as Discovered;
  return { subject: answer.digest, found: (answer.referrers ?? []).map((r) => parseDigest(r.digest)).toSorted() };
}

/** Whether oras can open the layout at all. */
export async function orasOpens(layout: string): Promise<boolean> {
  return (await run("oras", ["repo", "tags", "--oci-layout", layout])).code === 0;
}

/** `notation ls`: the signatures of a digest. */
export async function notationFinds(layout: string, subject: Digest): Promise<Digest[]> {
  const { code, stdout } = await run("notation", ["ls", "--oci-layout", `${layout}@${subject}`]);
  if (code !== 0) return [];
  return [...stdout.matchAll(/[├└]── (\w+:[0-9a-f]+)$/gmu)].map((m) => parseDigest(m[1]!)).toSorted();
}

/** What the models of some tools say of some subjects: `Map(tool → Map(subject → found))`. One reading of the layout for all. */
export async function modelsFind(
  layout: string,
  tools: readonly string[],
  subjects: readonly Digest[],
): Promise<Map<string, Map<Digest, Digest[]>>> {
  const view = await openView(await Layout.open(layout));
  const answers = new Map<string, Map<Digest, Digest[]>>();
  for (const id of tools) {
    const tool = findTool(id);
    if (tool === undefined) continue;
    const found = new Map<Digest, Digest[]>();
    for (const subject of subjects) found.set(subject, [...(await tool.finds(view, subject))].toSorted());
    answers.set(id, found);
  }
  return answers;
}

/** Whether the model of oras says that oras cannot open the layout, and why. */
export async function modelBlocks(layout: string, tool: string): Promise<string[]> {
  const view = await openView(await Layout.open(layout));
  const traps = (await findTool(tool)?.traps(view)) ?? [];
  return traps.filter((t) => t.severity === "blocks").map((t) => t.message);
}
