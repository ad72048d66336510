import { OcilotError } from "@ocilot/layout/spec";
import { COMMANDS } from "./commands/registry.js";
import { EXIT, type ExitCode } from "./exit-code.js";
import { helpOf, overview } from "./help.js";
import { type Context, print } from "./io.js";
import { parseArguments } from "./parse.js";
import { reportError } from "./report-error.js";
import { suggest } from "./suggest.js";
import { VERSION } from "./version.js";

const USAGE = "ocilot COMMAND … (ocilot --help lists the commands)";

/** Runs one command line and returns its exit code; whatever goes wrong has then been said. */
export async function runCli(argv: readonly string[], context: Context): Promise<ExitCode> {
  const { io } = context;
  const options = beforeDashes(argv);
  let usage = USAGE;
  try {
    const [first, ...rest] = argv;
    if (first === undefined) {
      io.stderr.write(`${overview()}\n`);
      return EXIT.usage;
    }
    if (first === "--version") {
      print(io, VERSION);
      return EXIT.ok;
    }
    if (["--help", "-h", "help"].includes(first) && (first !== "help" || rest.length === 0)) {
      print(io, overview());
      return EXIT.ok;
    }
    const isHelp = first === "help" || options.includes("--help") || options.includes("-h");
    const entry = findEntry(first === "help" ? rest[0]! : first);
    const command = await entry.load();
    usage = `ocilot ${command.usage}`;
    if (isHelp) {
      print(io, helpOf(command));
      return EXIT.ok;
    }
    return await command.run(parseArguments(entry.name, command, rest), context);
  } catch (error) {
    if (isClosedPipe(error) || isClosedPipe(context.signal.reason)) return EXIT.ok;
    return reportError(context.signal.aborted ? interrupted(error) : error, io, { json: options.includes("--json"), usage });
  }
}

function findEntry(name: string): (typeof COMMANDS)[number] {
  const entry = COMMANDS.find((c) => c.name === name);
  if (entry !== undefined) return entry;
  const isOption = name.startsWith("-");
  const near = suggest(
    name,
    COMMANDS.map((c) => c.name),
  );
  throw new OcilotError(
    "USAGE",
    isOption ? `${name} stands before the command` : `${name} is not a command`,
    { argument: name },
    {
      hint: isOption
        ? "Put options behind the command."
        : near === undefined
          ? `Commands are: ${COMMANDS.map((c) => c.name).join(", ")}.`
          : `Did you mean ${near}?`,
    },
  );
}

/** Whoever read our output has seen enough, as `head` has; that is no failure. */
function isClosedPipe(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EPIPE";
}

function interrupted(error: unknown): unknown {
  const isOwn = error instanceof OcilotError && error.code !== "ABORTED";
  return isOwn ? error : new OcilotError("ABORTED", "interrupted", {}, { cause: error });
}

function beforeDashes(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf("--");
  return end < 0 ? argv : argv.slice(0, end);
}
