import type { CredentialPlace } from "@ocilot/registry";
import { type Command, defineCommand } from "../command-line/define-command.js";
import { EXIT } from "../exit-code.js";
import { registryHost } from "../login/registry-host.js";
import { jsonOption } from "../options/json.js";
import { registryOptions } from "../options/registry.js";

export const command: Command = defineCommand({
  name: "logout",
  group: "Other",
  describe: "Log out of a registry: remove its stored password",
  usage: "logout HOST",
  examples: [["ocilot logout ghcr.io", "removes the password from the credential helper, or from the file that login writes"]],
  notes: ["A token that the registry has issued stays valid until the registry ends it."],
  exitCodes: { 8: "another file still holds a password for the registry" },
  seeAlso: ["login"],
  positionals: { host: { complete: "none", describe: "The registry, HOST or HOST:PORT; docker.io for Docker Hub" } },
  options: { authfile: registryOptions.authfile, ...jsonOption },

  async run(args, { io, out, signal }) {
    const host = await registryHost(args.host);
    const { eraseCredential } = await import("@ocilot/registry");
    const settings = args.authfile === undefined ? {} : { authFile: args.authfile };
    const { removed, remaining } = await eraseCredential(host, { ...settings, env: io.env, signal });
    if (args.json) out.json({ host, removed, remaining });
    else if (removed.length === 0) out.say(`No password for ${host} is stored${remaining.length > 0 ? " where login stores it" : ""}.`);
    else out.say(`Logged out of ${host}. Removed from ${removed.map(placeText).join(" and ")}.`);
    out.warn(remaining.map((file) => `${file} still holds a password for ${host}; remove it with --authfile ${file}`));
    return remaining.length > 0 ? EXIT.inexpressible : EXIT.ok;
  },
});

function placeText(place: CredentialPlace): string {
  return place.kind === "helper" ? `docker-credential-${place.helper}` : place.file;
}
