import { type Descriptor, type Digest, type IndexEntry, type Manifest, isDigest } from "@ocilot/layout/spec";
import type { Problem } from "../graph/edge.js";
import { groupBy } from "../graph/group-by.js";
import { type AnnotatedListId, LIST_ANNOTATIONS, type ListConventionId } from "./list-annotations.js";
import { perView } from "../view/per-view.js";
import { parseReferrersTag, tagFits } from "./referrers-tag.js";
import { type LayoutView, type ManifestNode, manifestOf, subjectOf } from "../view/layout-view.js";

/** A line of a list, and whether its manifest confirms it. */
export interface ListLine {
  readonly node: ManifestNode;
  /** `foreign`: it refers to something else; `stale`: it refers to nothing; `unverified`: it could not be read. */
  readonly verdict: "right" | "foreign" | "stale" | "unverified";
}

/** An entry of `index.json` that points to a list of referrers, by the annotation or tag of one convention. */
export interface ListRecord {
  readonly convention: ListConventionId;
  readonly entry: IndexEntry;
  /** More than one only where two sha512 subjects share a shortened tag. */
  readonly subjects: readonly Digest[];
  readonly lines: readonly ListLine[];
}

/** The lists that a view holds, and what looked like one and is not. */
export interface Lists {
  readonly records: readonly ListRecord[];
  /** The same by convention and subject, see {@link listsOf}. */
  readonly bySubject: ReadonlyMap<string, readonly ListRecord[]>;
  /** Records without a subject: a shortened tag, and no line that could be read. */
  readonly unclaimed: readonly ListRecord[];
  /** Entries with a tag of that form that do not point to a list: tags chosen by users, which must not be overwritten. */
  readonly realTags: readonly IndexEntry[];
  readonly problems: readonly Problem[];
}

/** Finds the lists of all list conventions. An entry that serves several conventions gives a record for each. */
export const findLists: (view: LayoutView) => Promise<Lists> = perView(collect);

/** The lines of a list that its manifests do not confirm: while it has some, no conversion removes the list. */
export function unconfirmedLines({ lines }: ListRecord): readonly ListLine[] {
  return lines.filter((line) => line.verdict !== "right");
}

/** The lists of one convention for one subject. */
export function listsOf(lists: Lists, convention: ListConventionId, subject: Digest): readonly ListRecord[] {
  return lists.bySubject.get(`${convention} ${subject}`) ?? [];
}

const ANNOTATIONS = Object.entries(LIST_ANNOTATIONS) as [AnnotatedListId, string][];

async function collect(view: LayoutView): Promise<Lists> {
  const records: ListRecord[] = [];
  const realTags: IndexEntry[] = [];
  const problems: Problem[] = [];
  const marked = view.entries.filter(
    (e) => parseReferrersTag(e.tag ?? "") !== undefined || ANNOTATIONS.some(([, key]) => markOf(e, key) !== undefined),
  );
  const nodes = await view.nodes(marked.map((e) => e.descriptor));
  // All at once: one batch of reads, however many lists there are.
  if (nodes.length > 1) await view.nodes(nodes.flatMap((n) => unopenedLines(manifestOf(n)?.manifests)));
  for (let i = 0; i < marked.length; i++) {
    const entry = marked[i]!;
    const node = nodes[i]!;
    const list = listIn(node);
    for (const [convention, key] of ANNOTATIONS) {
      const value = markOf(entry, key);
      if (value === undefined) continue;
      if (!isDigest(value)) problems.push(problem("INVALID_SUBJECT", entry, `${key} is ${JSON.stringify(value)}, which is not a digest`));
      else if (list !== undefined) await record(convention, entry, list, [value]);
      else if (convention === "olareg" && node.state !== "absent")
        problems.push(problem("AMBIGUOUS_LIST", entry, `${key} is on an entry that is not a list`));
      else if (node.state === "damaged") problems.push(problem("UNREADABLE", entry, node.error.message));
    }
    const form = parseReferrersTag(entry.tag ?? "");
    if (form === undefined) continue;
    const subjects = list && (await subjectsUnder(form, node, list));
    if (list === undefined || subjects === undefined) realTags.push(entry);
    else await record("regclient", entry, list, subjects);
  }
  const claims = records.flatMap((found) => found.subjects.map((subject) => ({ found, key: `${found.convention} ${subject}` })));
  const bySubject = new Map([...groupBy(claims, (c) => c.key)].map(([key, group]) => [key, group.map((c) => c.found)]));
  reportDuplicates(bySubject, problems);
  for (const { entry, subjects } of records)
    if (subjects.length > 1) problems.push(problem("TAG_COLLISION", entry, `one tag holds the lists of ${subjects.join(" and ")}`));
  return { records, bySubject, unclaimed: records.filter((r) => r.subjects.length === 0), realTags, problems };

  async function record(convention: ListConventionId, entry: IndexEntry, list: Manifest, subjects: readonly Digest[]): Promise<void> {
    const lines = linesFor(await view.nodes(list.manifests), subjects);
    records.push({ convention, entry, subjects, lines });
    for (const line of lines) if (line.verdict !== "right") problems.push(lineProblem(entry, line));
  }

  /** Returns the subjects of an index under a referrers tag; undefined if it is not a list. */
  async function subjectsUnder(
    form: { tag: string; algorithm: string; encoded: string },
    node: ManifestNode,
    list: Manifest,
  ): Promise<Digest[] | undefined> {
    const children = await view.nodes(list.manifests);
    const fitting = subjectsOf(children).filter((d) => tagFits(form.tag, d));
    if (fitting.length > 0) return fitting;
    const whole = `${form.algorithm}:${form.encoded}`;
    // cosign copy tags an image index with its own digest; where its platforms are missing it looks like a list.
    if (whole === node.descriptor.digest || children.some((c) => c.descriptor.platform !== undefined)) return undefined;
    const isEmpty = children.every((c) => c.state !== "read");
    return isEmpty && isDigest(whole) ? [whole] : isEmpty ? [] : undefined;
  }
}

const opened = new WeakSet<readonly Descriptor[]>();

/** The lines of a list that no view of the layout has asked for yet. */
function unopenedLines(lines: readonly Descriptor[] = []): readonly Descriptor[] {
  if (opened.has(lines)) return [];
  opened.add(lines);
  return lines;
}

function markOf(entry: IndexEntry, key: string): string | undefined {
  return entry.descriptor.annotations?.[key];
}

/** A list is an index that is not itself a referrer. */
function listIn(node: ManifestNode): Manifest | undefined {
  const manifest = manifestOf(node);
  return manifest?.kind === "index" && manifest.subject === undefined ? manifest : undefined;
}

const subjectCache = new WeakMap<readonly ManifestNode[], readonly Digest[]>();

/** Returns what these nodes refer to, each once; views of one layout share it. */
function subjectsOf(children: readonly ManifestNode[]): readonly Digest[] {
  let subjects = subjectCache.get(children);
  if (subjects === undefined) subjectCache.set(children, (subjects = [...new Set(children.flatMap((c) => subjectOf(c) ?? []))]));
  return subjects;
}

const lineCache = new WeakMap<readonly ManifestNode[], Map<string, readonly ListLine[]>>();

/** Returns the lines of a list for these subjects; conventions on one entry and views of one layout share them. */
function linesFor(children: readonly ManifestNode[], subjects: readonly Digest[]): readonly ListLine[] {
  let known = lineCache.get(children);
  if (known === undefined) lineCache.set(children, (known = new Map()));
  const key = subjects.join(" ");
  let lines = known.get(key);
  if (lines === undefined) known.set(key, (lines = children.map((node) => ({ node, verdict: verdictOf(node, subjects) }))));
  return lines;
}

function verdictOf(child: ManifestNode, subjects: readonly Digest[]): ListLine["verdict"] {
  if (child.state === "absent" || child.state === "damaged") return "unverified";
  const subject = subjectOf(child);
  if (subject === undefined) return "stale";
  return subjects.includes(subject) ? "right" : "foreign";
}

function lineProblem(entry: IndexEntry, line: ListLine): Problem {
  const { digest } = line.node.descriptor;
  const at = `the list ${entry.descriptor.digest} names ${digest}`;
  if (line.verdict === "unverified") {
    const why = line.node.state === "damaged" ? line.node.error.message : "which is missing from the layout";
    return { code: "UNVERIFIED_LINE", message: `${at}: ${why}`, position: entry.position, digest };
  }
  const code = line.verdict === "foreign" ? "FOREIGN_LINE" : "STALE_LINE";
  const why = line.verdict === "foreign" ? "which refers to another subject" : "which has no subject";
  return { code, message: `${at}, ${why}`, position: entry.position, digest };
}

function reportDuplicates(bySubject: ReadonlyMap<string, readonly ListRecord[]>, problems: Problem[]): void {
  for (const [key, [, ...more]] of bySubject)
    for (const { entry } of more)
      problems.push(problem("DUPLICATE_LIST", entry, `a second list for ${key}; tools read only one of the two`));
}

function problem(code: Problem["code"], entry: IndexEntry, message: string): Problem {
  return { code, message, position: entry.position, digest: entry.descriptor.digest };
}
