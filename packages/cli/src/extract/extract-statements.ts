import type { Layout, Reference } from "@ocilot/layout";
import { isOpenFilter } from "@ocilot/referrers";
import type { Context } from "../command-line/context.js";
import { EXIT, type ExitCode } from "../exit-code.js";
import { typeFilter } from "../options/artifact-type.js";
import { statementFilter } from "../options/statement.js";
import { resolveIn } from "../reference/resolve.js";
import { printable } from "../render/printable.js";
import { commandLine } from "../render/shell-quote.js";
import { findStatements, statementsAt } from "./find-statements.js";
import { type StatementFile, statementFileJson, statementFiles } from "./statement-files.js";
import { writeFiles } from "./write.js";

/** The options of `extract` that are about statements. */
export interface StatementArguments {
  readonly kind?: readonly string[] | undefined;
  readonly format?: string | undefined;
  readonly "predicate-type"?: string | undefined;
  readonly "artifact-type"?: string | undefined;
  readonly platform?: string | undefined;
  readonly "all-platforms": boolean;
  readonly all: boolean;
  readonly raw: boolean;
  readonly scan: boolean;
  readonly output: string;
  readonly force: boolean;
  readonly json: boolean;
}

/** Writes the documents of statements: of those that the filters choose, or with no filter of the referrer that REF names. */
export async function extractStatements(
  layout: Layout,
  reference: Reference,
  args: StatementArguments,
  { out, signal }: Pick<Context, "out" | "signal">,
): Promise<ExitCode> {
  const filter = statementFilter(args);
  const isNamed = isOpenFilter(filter) && args["artifact-type"] === undefined && !args["all-platforms"];
  const found = isNamed
    ? await statementsAt(layout, { reference, signal }, (await resolveIn(layout, reference, { platform: args.platform, signal })).digest)
    : await findStatements(layout, {
        reference,
        filter,
        hasType: typeFilter(args["artifact-type"]),
        what: statementText(args),
        platform: args.platform,
        allPlatforms: args["all-platforms"],
        all: args.all,
        scan: args.scan,
        signal,
      });
  const files = statementFiles(layout, found, args.raw);
  const paths = await out.duringBytes(
    "Extracting",
    async (onProgress) => await writeFiles(layout.blobs, files, args.output, { force: args.force, signal, onProgress }),
    args.json,
  );
  for (const path of args.json ? [] : paths) out.print(printable(path));
  out.warn(files.flatMap((file, i) => file.found.statement.notes.map((note) => `${paths[i]!}: ${note.message}`)));
  for (const referrer of new Set(files.filter(isPayloadOnly).map((file) => file.found.referrer)))
    out.note(`the signatures themselves are annotations of the layers: ${commandLine("ocilot", "cat", `${reference.path}@${referrer}`)}`);
  if (args.json) out.json({ files: paths.map((path, i) => statementFileJson(path, files[i]!)) });
  return EXIT.ok;
}

/** cosign 2 keeps what was signed in the layer, and the signature beside it. */
function isPayloadOnly({ found }: StatementFile): boolean {
  return found.statement.format === "cosign-simple-signing";
}

/** What is looked for, in words. */
function statementText(args: StatementArguments): string {
  const parts = [
    args.kind === undefined || args.kind.length === 0 ? "statement" : args.kind.join(" or "),
    ...(args.format === undefined ? [] : [`in the format ${args.format}`]),
    ...(args["predicate-type"] === undefined ? [] : [`of predicate type ${args["predicate-type"]}`]),
    ...(args["artifact-type"] === undefined ? [] : [`of type ${args["artifact-type"]}`]),
  ];
  return parts.join(" ");
}
