import { usageError } from "../command-line/usage-error.js";

/**
 * Returns the registry that HOST names, as credentials are stored under it: `docker.io` for every name of Docker Hub.
 * @throws OcilotError `USAGE`
 */
export async function registryHost(text: string): Promise<string> {
  const { canonicalHost, isHost } = await import("@ocilot/registry");
  const host = text
    .replace(/^(?:docker|https?):\/\//, "")
    .replace(/\/(?:v[12]\/?)?$/, "")
    .toLowerCase();
  if (isHost(host)) return canonicalHost(host);
  const hint = host.includes("/") ? "Credentials are stored for a whole registry: leave out the path." : "Write HOST or HOST:PORT.";
  throw usageError(`${text} is not the host of a registry`, "host", hint);
}
