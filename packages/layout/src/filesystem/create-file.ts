import { link, writeFile } from "node:fs/promises";
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
export async function createFile(root: string, path: string, bytes: Uint8Array, { sync }: Durability): Promise<void> {
  const temp = join(root, tempName());
  const options = { flag: "wx", flush: sync };
  try {
    await writeFile(temp, bytes, options);
    await link(temp, path).catch(async (error: unknown) => {
      if (errnoOf(error) === "EEXIST") throw error;
      await writeFile(path, bytes, options);
    });
  } finally {
    removeTemp(temp);
  }
}
