import { OcilotError } from "../errors.js";
import { Pace } from "../filesystem/pace.js";
import { shown } from "./archive-error.js";
import { linkTarget } from "./member-name.js";
import type { Member } from "./scan.js";

/** A longer chain of links is a loop or an attack. */
const MAX_LINKS = 32;

/** Where the content of a file is in the archive, in bytes. */
export interface Extent {
  readonly offset: number;
  readonly size: number;
}

/**
 * The content under one name. A name that occurs several times has several extents, in the order of the archive. The extents that a link
 * leads to are the array of its target, not a copy: many links to a name with many extents cost no more than their sum.
 */
export interface NamedContent {
  readonly own: readonly Extent[];
  readonly linked?: readonly Extent[];
}

/**
 * Returns the files of an archive by name; links stand for the content that they lead to.
 * @throws OcilotError `LINK_OUTSIDE` for a link that does not lead to a file in the archive, or that other members are below; `ABORTED`
 */
export async function filesOf(archive: string, members: readonly Member[], signal?: AbortSignal): Promise<Map<string, NamedContent>> {
  const pace = new Pace(signal);
  const own = new Map<string, Extent[]>();
  const links = new Map<string, Member>();
  for (const member of members) {
    if (pace.isDue) await pace.rest();
    if (member.kind !== "file") {
      const twin = links.get(member.name);
      if (twin !== undefined && twin.target !== member.target) throw linkRefused(archive, member, "occurs twice with different targets");
      links.set(member.name, member);
    } else {
      const extent = { offset: member.offset, size: member.size };
      const known = own.get(member.name);
      if (known === undefined) own.set(member.name, [extent]);
      else known.push(extent);
    }
  }
  const files = new Map<string, NamedContent>();
  for (const [name, extents] of own) {
    if (pace.isDue) await pace.rest();
    files.set(name, { own: extents });
  }
  if (links.size === 0) return files;
  await refuseRedirection(archive, members, links, pace);
  for (const link of links.values()) {
    if (pace.isDue) await pace.rest();
    files.set(link.name, { own: own.get(link.name) ?? [], linked: follow(archive, link, own, links) });
  }
  return files;
}

function follow(
  archive: string,
  link: Member,
  files: ReadonlyMap<string, readonly Extent[]>,
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

/** A path component and what is below it; `link` where a link has this path. */
interface PathNode {
  readonly below: Map<string, PathNode>;
  link?: Member;
}

/**
 * Refuses a link that has other members below it: unpacking would write them to wherever it leads. The time is linear in the length of
 * all names.
 */
async function refuseRedirection(
  archive: string,
  members: readonly Member[],
  links: ReadonlyMap<string, Member>,
  pace: Pace,
): Promise<void> {
  const root: PathNode = { below: new Map() };
  for (const link of links.values()) {
    if (pace.isDue) await pace.rest();
    let at = root;
    for (const part of link.name.split("/")) {
      let next = at.below.get(part);
      if (next === undefined) at.below.set(part, (next = { below: new Map() }));
      at = next;
    }
    at.link = link;
  }
  for (const { name } of members) {
    if (pace.isDue) await pace.rest();
    let at: PathNode | undefined = root;
    for (const part of name.split("/")) {
      if (at.link !== undefined) throw linkRefused(archive, at.link, `would send the member ${shown(name)} elsewhere`);
      at = at.below.get(part);
      if (at === undefined) break;
    }
  }
}

function linkRefused(archive: string, link: Member, why: string): OcilotError<"LINK_OUTSIDE"> {
  const kind = link.kind === "link" ? "hard link" : "symbolic link";
  return new OcilotError(
    "LINK_OUTSIDE",
    `${archive}: the ${kind} ${shown(link.name)} → ${shown(link.target ?? "")} ${why}`,
    { file: link.name },
    { hint: "Do not unpack this archive with other tools: it may write outside the directory. Ask its author." },
  );
}
