import { type Descriptor, type Digest, type IndexEntry, manifestKind } from "@ocilot/layout/spec";
import { type LayoutView, manifestOf } from "../view/layout-view.js";
import { claimedSubjects } from "./subject-view.js";

/** Lists with more lines than this are taken at their word. */
export const VERIFY_UP_TO = 256;

/**
 * Returns the view in which long lists of the referrers of `subject` are taken at their word, as every client of a registry takes them:
 * the blob of the list is checked against its digest, its manifests are present and are not opened. In a repository of a registry the
 * same holds for a long answer of the Referrers API.
 *
 * Opened all the same: lines without an artifact type, lines that are indexes, and two lines that say different things of one digest.
 * What may be an image index rather than a list is not believed at all.
 * @param limit the number of lines up to which every manifest is opened
 */
export async function believeLists(view: LayoutView, subject: Digest, limit: number): Promise<LayoutView> {
  const lines = [...answered(view, subject), ...(await listedLines(view, subject))];
  const told = new Map<Digest, Descriptor | undefined>();
  for (const line of lines) {
    const known = told.get(line.digest);
    told.set(line.digest, !told.has(line.digest) || (known !== undefined && saysTheSame(known, line)) ? line : undefined);
  }
  const plain = [...told.values()].filter((line): line is Descriptor => line !== undefined && tellsAll(line) && line.digest !== subject);
  return plain.length > limit ? await view.believe(plain, subject) : view;
}

/** What a registry answered, if this is a repository of one. */
function answered({ entries }: LayoutView, subject: Digest): Descriptor[] {
  return entries.flatMap(({ origin, descriptor }) =>
    origin !== undefined && origin.by !== "tag" && origin.subject === subject ? descriptor : [],
  );
}

async function listedLines(view: LayoutView, subject: Digest): Promise<Descriptor[]> {
  const lists = view.entries.filter((entry) => isListOf(entry, subject)).map((entry) => entry.descriptor);
  const distinct = [...new Map(lists.map((d) => [d.digest, d])).values()];
  return (await view.nodes(distinct)).flatMap((node) => {
    const list = manifestOf(node);
    if (list?.kind !== "index" || list.subject !== undefined) return [];
    // The platforms of an image have none of what a line says, and its tag may look like that of a list.
    return list.manifests.some((d) => d.platform !== undefined && d.platform !== null) ? [] : list.manifests;
  });
}

/** An entry that may be of several subjects, or of one that its tag only shortens, is no such record. */
function isListOf(entry: IndexEntry, subject: Digest): boolean {
  if (manifestKind(entry.descriptor.mediaType) !== "index") return false;
  const said = claimedSubjects(entry);
  return said !== undefined && said.every((digest) => digest === subject);
}

function tellsAll({ mediaType, artifactType }: Descriptor): boolean {
  const kind = manifestKind(mediaType);
  return Boolean(artifactType) && (kind === "image" || kind === "artifact" || kind === "oras-artifact");
}

/** Several conventions may each have a list of their own of one subject. */
function saysTheSame(a: Descriptor, b: Descriptor): boolean {
  if (a === b) return true;
  const [x, y] = [a.annotations ?? {}, b.annotations ?? {}];
  const keys = Object.keys(x);
  return (
    a.size === b.size &&
    a.mediaType === b.mediaType &&
    a.artifactType === b.artifactType &&
    keys.length === Object.keys(y).length &&
    keys.every((key) => x[key] === y[key])
  );
}
