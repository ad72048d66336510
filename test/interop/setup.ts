import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { REGISTRY, startRegistry } from "./registry.js";
import { INSTALL, PLACE, TOOL_NAMES, locate, versionOf } from "./tools.js";

/**
 * Says which real programs the run is against, and gives all of it one place for files and one registry, which are gone
 * afterwards, whatever becomes of the tests.
 */
export default async function setup(): Promise<() => Promise<void>> {
  const found = TOOL_NAMES.map((name) => (locate(name) === undefined ? `${name} absent` : `${name} ${versionOf(name)}`));
  console.log(`interop: ${found.join(", ")}`);
  if (TOOL_NAMES.some((name) => locate(name) === undefined)) console.log(`interop: ${INSTALL} fetches what is absent`);

  const place = await mkdtemp(join(tmpdir(), "ocilot-interop-"));
  process.env[PLACE] = place;
  const registry = locate("docker-registry") === undefined ? undefined : await startRegistry(place);
  if (registry !== undefined) process.env[REGISTRY] = registry.address;
  return async () => {
    await registry?.stop();
    await rm(place, { recursive: true, force: true });
  };
}
