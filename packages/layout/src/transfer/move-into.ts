import { lstatSync, readFileSync, readdirSync } from "node:fs";
import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { renameOver } from "../filesystem/rename-over.js";
import { TEMP_PREFIX, hostTag, isAlive } from "../filesystem/temp-file.js";
import { isRecord } from "../spec/guards.js";
import { INDEX_FILE } from "../spec/index-snapshot.js";
import { MARKER_FILE } from "../spec/layout-marker.js";

/** Lists what is about to be moved out of a staged directory, by inode. */
const MOVES_FILE = `${TEMP_PREFIX}moves`;

/**
 * Moves the content of the directory `staged`, which is in `place`, to `place`. `oci-layout` comes last and makes `place` a layout. After a
 * failure nothing is left. After a crash, {@link undoMoves} recognizes what was moved by its inode.
 */
export async function moveInto(staged: string, place: string): Promise<void> {
  const names = (await readdir(staged)).filter((name) => !name.startsWith(TEMP_PREFIX));
  await writeFile(join(staged, MOVES_FILE), JSON.stringify(Object.fromEntries(names.map((name) => [name, inodeOf(join(staged, name))]))));
  const moved: string[] = [];
  try {
    for (const name of names.toSorted((a, b) => rank(a) - rank(b))) {
      await renameOver(join(staged, name), join(place, name));
      moved.push(name);
    }
    await rm(staged, { recursive: true, force: true });
  } catch (error) {
    for (const name of moved) await rm(join(place, name), { recursive: true, force: true });
    throw error;
  }
}

function rank(name: string): number {
  return name === MARKER_FILE ? 2 : name === INDEX_FILE ? 1 : 0;
}

/** Removes what a killed process of this host has moved to `place` before it became a layout, and nothing else. */
export async function undoMoves(place: string): Promise<void> {
  const names = readdirSync(place);
  if (names.includes(MARKER_FILE)) return;
  for (const staged of names) {
    const [, tag, pid] = /^\.ocilot-tmp-([0-9a-f]{8})-(\d+)-[0-9a-f]{12}$/.exec(staged) ?? [];
    if (tag !== hostTag() || isAlive(Number(pid))) continue;
    const inodes = readMoves(join(place, staged, MOVES_FILE));
    for (const name of names) {
      if (Object.hasOwn(inodes, name) && inodes[name] === inodeOf(join(place, name)))
        await rm(join(place, name), { recursive: true, force: true });
    }
  }
}

function readMoves(path: string): Readonly<Record<string, unknown>> {
  try {
    const moves: unknown = JSON.parse(readFileSync(path, "utf8"));
    return isRecord(moves) ? moves : {};
  } catch {
    return {};
  }
}

/** A string: inodes may need 64 bits. */
function inodeOf(path: string): string | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false })?.ino.toString();
}
