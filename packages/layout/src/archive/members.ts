import { OcilotError } from "../errors.js";
import { shown } from "./archive-error.js";
import { linkTarget } from "./member-name.js";
import type { Member } from "./scan.js";

/** Longer chains of links are loops, or mean harm. */
const MAX_LINKS = 32;

/** Where a file's content lies in the archive. */
export interface Extent {
  readonly offset: number;
  readonly size: number;
}

/**
 * The files of an archive by name, links read as what they lead to. A name that stands in the archive more than once has
 * several extents, in their order.
 * @throws OcilotError `LINK_OUTSIDE` for a link that does not lead to a file in the archive, or that other members lie below
 */
export function filesOf(archive: string, members: readonly Member[]): Map<string, Extent[]> {
  const files = new Map<string, Extent[]>();
  const links = new Map<string, Member>();
  for (const member of members) {
    if (member.kind !== "file") {
      const twin = links.get(member.name);
      if (twin !== undefined && twin.target !== member.target) throw linkRefused(archive, member, "stands there twice");
      links.set(member.name, member);
    } else {
      const extent = { offset: member.offset, size: member.size };
      const there = files.get(member.name);
      if (there === undefined) files.set(member.name, [extent]);
      else there.push(extent);
    }
  }
  if (links.size === 0) return files;
  refuseRedirection(archive, members, links);
  const resolved = [...links.values()].map((link) => ({ name: link.name, extents: resolve(archive, link, files, links) }));
  for (const { name, extents } of resolved) files.set(name, [...(files.get(name) ?? []), ...extents]);
  return files;
}

function resolve(
  archive: string,
  link: Member,
  files: ReadonlyMap<string, Extent[]>,
  links: ReadonlyMap<string, Member>,
): readonly Extent[] {
  let at = link;
  for (let step = 0; step < MAX_LINKS; step++) {
    const target = linkTarget(at.name, at.target ?? "", at.kind === "link" ? "link" : "symlink");
    if (target === undefined) throw linkRefused(archive, link, "leads out of the archive");
    const found = files.get(target);
    if (found !== undefined) return found;
    const next = links.get(target);
    if (next === undefined) throw linkRefused(archive, link, "leads to no file of the archive");
    at = next;
  }
  throw linkRefused(archive, link, "leads to itself, or through too many others");
}

/** A link that others lie below would send them, on unpacking, to wherever it leads. */
function refuseRedirection(archive: string, members: readonly Member[], links: ReadonlyMap<string, Member>): void {
  const names = members.map((m) => m.name).toSorted();
  for (const link of links.values()) {
    const below = names[firstFrom(names, `${link.name}/`)];
    if (below?.startsWith(`${link.name}/`)) throw linkRefused(archive, link, `would send the member ${shown(below)} elsewhere`);
  }
}

/** The place of the first of sorted names that is not before `name`. */
function firstFrom(names: readonly string[], name: string): number {
  let [low, high] = [0, names.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (names[middle]! < name) low = middle + 1;
    else high = middle;
  }
  return low;
}

function linkRefused(archive: string, link: Member, why: string): OcilotError<"LINK_OUTSIDE"> {
  const kind = link.kind === "link" ? "hard link" : "symbolic link";
  return new OcilotError(
    "LINK_OUTSIDE",
    `${archive}: the ${kind} ${shown(link.name)} → ${shown(link.target ?? "")} ${why}`,
    { file: link.name },
    { hint: "Do not unpack this archive with other tools: it may write outside the directory. Ask whoever made it." },
  );
}
