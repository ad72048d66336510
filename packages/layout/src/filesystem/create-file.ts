import { link, open } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf } from "./io-error.js";
import type { Durability } from "./atomic-write.js";
import { removeTemp, tempName } from "./temp-file.js";

/**
 * Makes a file that does not exist yet: readers find it complete or not at all, and a file that another program made meanwhile stays as
 * it is. A crash leaves at most a temporary file in `root`. On a file system without hard links (FAT, some network volumes) the file
 * grows under its own name, and a crash may leave the beginning of it.
 * @throws file-system errors as they come, `EEXIST` among them
 */
export async function createFile(root: string, path: string, bytes: Uint8Array, durability: Durability): Promise<void> {
  const temp = join(root, tempName());
  try {
    await write(temp, bytes, durability);
    await link(temp, path).catch(async (error: unknown) => {
      if (errnoOf(error) === "EEXIST") throw error;
      await write(path, bytes, durability);
    });
  } finally {
    removeTemp(temp);
  }
}

async function write(path: string, bytes: Uint8Array, { sync }: Durability): Promise<void> {
  const file = await open(path, "wx", 0o644);
  try {
    await file.writeFile(bytes);
    if (sync) await file.sync();
  } finally {
    await file.close();
  }
}
