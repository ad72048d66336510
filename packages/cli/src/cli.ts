import type { Writable } from "node:stream";
import { OcilotError } from "@ocilot/layout/spec";
import { hasOption, markValues } from "./command-line/argv.js";
import { listCommands } from "./command-line/command-list.js";
import { defaultsFor, withOrigin } from "./command-line/defaults.js";
import { findCommand } from "./command-line/find-command.js";
import { hoistGlobals } from "./command-line/hoist-globals.js";
import { EXIT, type ExitCode } from "./exit-code.js";
import type { Context } from "./command-line/context.js";
import { helpText } from "./manual/help-text.js";
import { Output } from "./output.js";
import { outputError, reportError } from "./render/report-error.js";
import { outputSettings } from "./options/output-settings.js";
import { globalOptions } from "./command-line/global-options.js";
import { VERSION } from "./version.js";

const USAGE = "ocilot COMMAND … (ocilot --help lists the commands)";

/** Runs one command line and returns its exit code; whatever goes wrong has then been reported. */
export async function runCli(given: readonly string[], context: Omit<Context, "out">): Promise<ExitCode> {
  const { io, signal } = context;
  if (given[0] === "__complete") return await answerShell(given.slice(1), context);
  const marked = markValues(given);
  let usage: string | undefined = USAGE;
  let isJson = hasOption(given, "json", "j");
  const runNamed = async (): Promise<ExitCode> => {
    const [first, ...rest] = hoistGlobals(marked);
    if (first === undefined) {
      io.stderr.write(`${await helpText()}\n`);
      return EXIT.usage;
    }
    if (first === "--version" || first === "-V") {
      io.stdout.write(`${VERSION}\n`);
      return EXIT.ok;
    }
    const isHelp = first === "help" || hasOption(given, "help", "h");
    const verb = first === "help" ? rest.find((arg) => !arg.startsWith("-")) : first;
    if (isHelp && (verb === undefined || verb.startsWith("-"))) {
      io.stdout.write(`${await helpText()}\n`);
      return EXIT.ok;
    }
    const entry = await findCommand(verb!);
    if (isHelp) {
      io.stdout.write(`${await helpText(entry.name)}\n`);
      return EXIT.ok;
    }
    // In the bundle, yargs and the command are chunks of their own: help and version load neither.
    const [{ parseArguments }, command] = await Promise.all([import("./command-line/parse-arguments.js"), entry.load()]);
    const options = { ...command.options, ...globalOptions };
    const commands = (await listCommands()).map(({ name }) => name);
    // How the command is called does not help against a mistake in a variable or in the configuration file.
    usage = undefined;
    const { values, origins, warnings } = defaultsFor({ command: entry.name, commands, options, argv: rest, env: io.env });
    usage = `ocilot ${command.usage}`;
    try {
      const args = await parseArguments(command, options, rest, values);
      const settings = outputSettings(args as Readonly<Record<string, unknown>>, io);
      const { json, format } = args as { json?: boolean; format?: unknown };
      isJson = json === true || format === "json" || settings.logFormat === "json";
      const out = new Output(io, settings);
      out.warn(warnings);
      return await command.run(args, { ...context, out });
    } catch (error) {
      const told = withOrigin(error, origins, rest);
      if (told !== error) usage = undefined;
      throw told;
    }
  };
  try {
    const code = await runNamed();
    await settled(io.stdout);
    if (isOutputFailure(signal.reason)) throw signal.reason;
    return code;
  } catch (error) {
    if (isClosedPipe(error) || isClosedPipe(signal.reason)) return EXIT.ok;
    return reportError(signal.aborted ? interrupted(error, signal.reason) : error, io, { json: isJson, usage });
  }
}

/** Answers a completion script. Whatever goes wrong, a shell gets an answer and no message. */
async function answerShell(args: readonly string[], { io }: Omit<Context, "out">): Promise<ExitCode> {
  try {
    const [{ answer }, { commandModels }] = await Promise.all([import("./completion/answer.js"), import("./completion/command-models.js")]);
    io.stdout.write(`${await answer(args, await commandModels())}\n`);
  } catch {
    io.stdout.write("files\n");
  }
  return EXIT.ok;
}

/** The reader of the output closed it early, as `head` does; that is not a failure. */
function isClosedPipe(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EPIPE";
}

/** Standard output takes no more, and not because its reader has what it wanted. */
function isOutputFailure(reason: unknown): reason is NodeJS.ErrnoException {
  return reason instanceof Error && "syscall" in reason && !isClosedPipe(reason);
}

/** Waits until what was printed has been taken or refused: a stream tells of a failure only after the write. */
async function settled(stdout: Writable): Promise<void> {
  await new Promise<void>((resolve) => {
    if (stdout.writableLength === 0) setImmediate(resolve);
    else stdout.write("", () => setImmediate(resolve));
  });
}

/** The error for a run that was aborted: by standard output that failed, or by a signal unless the command failed on its own account. */
function interrupted(error: unknown, reason: unknown): unknown {
  if (isOutputFailure(reason)) return outputError(reason);
  const isOwn = error instanceof OcilotError && error.code !== "ABORTED";
  return isOwn ? error : new OcilotError("ABORTED", "interrupted", {}, { cause: error });
}
