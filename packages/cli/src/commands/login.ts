import type { CredentialPlace } from "@ocilot/registry";
import { type Command, defineCommand } from "../command-line/define-command.js";
import { usageError } from "../command-line/usage-error.js";
import { EXIT } from "../exit-code.js";
import type { Io } from "../io.js";
import { askLine, canAsk, secretFrom } from "../login/read-secret.js";
import { registryHost } from "../login/registry-host.js";
import { jsonOption } from "../options/json.js";
import { registryOptions, registrySettings } from "../options/registry.js";

export const command: Command = defineCommand({
  name: "login",
  group: "Other",
  describe: "Log in to a registry: check a password and store it where docker, podman, oras and crane find it",
  usage: "login HOST [--username NAME] [--password-stdin]",
  examples: [
    ["ocilot login ghcr.io", "asks for the name and the password"],
    ["ocilot login ghcr.io --username me --password-stdin < token.txt", "without questions, in a script"],
  ],
  notes: [
    "The registry is asked first; what it refuses is not stored.",
    "The password is stored by the credential helper that the configuration names (credHelpers, credsStore), else in the file that --authfile or REGISTRY_AUTH_FILE names, else in docker's config.json. That file is readable by you alone (mode 0600), and the password in it is not encrypted.",
  ],
  seeAlso: ["logout"],
  positionals: { host: { complete: "none", describe: "The registry, HOST or HOST:PORT; docker.io for Docker Hub" } },
  options: {
    username: { type: "string", alias: "u", placeholder: "NAME", complete: "none", describe: "The name of the account" },
    "password-stdin": { type: "boolean", implies: ["username"], describe: "Read the password or token from standard input" },
    ...registryOptions,
    ...jsonOption,
  },

  async run(args, { io, out, signal }) {
    const host = await registryHost(args.host);
    const settings = registrySettings(args, io.env);
    const { username, password } = await accountOf(args.username, args["password-stdin"], io, host, signal);
    const { login } = await import("@ocilot/registry");
    const place = await login(host, { kind: "password", username, password }, { ...settings, signal });
    if (args.json) out.json({ host, username, stored: place });
    else out.say(`Logged in to ${host} as ${username}. ${whereText(place)}`);
    return EXIT.ok;
  },
});

async function accountOf(
  given: string | undefined,
  fromStdin: boolean,
  io: Io,
  host: string,
  signal: AbortSignal,
): Promise<{ username: string; password: string }> {
  if (!fromStdin && !canAsk(io)) {
    const reason = "there is no terminal to ask for the password";
    throw usageError(reason, "password-stdin", "Pipe it in: --username NAME --password-stdin");
  }
  const username = given ?? (await askLine(io, `Username for ${host}: `, { hidden: false, signal })).trim();
  if (username === "") throw usageError("the username is empty", "username");
  if (/[:\p{Cc}]/u.test(username)) throw usageError("a username holds no colon and no control characters", "username");
  const password = fromStdin
    ? await secretFrom(io.stdin)
    : await askLine(io, `Password of ${username} for ${host}: `, { hidden: true, signal });
  if (password === "") throw usageError("the password is empty", "password-stdin");
  return { username, password };
}

function whereText(place: CredentialPlace): string {
  return place.kind === "helper"
    ? `The password is stored by docker-credential-${place.helper}.`
    : `The password is stored in ${place.file}, not encrypted.`;
}
