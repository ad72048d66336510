import type { Digest } from "@ocilot/layout/spec";
import { NamedSubjects, type OpenedContent, malformed, openedContent } from "../content.js";
import { type JsonOutline, decodeString, elementOutlines, memberText, outlineOf } from "../encoding/json-outline.js";
import { guessText } from "../guess.js";
import { classOfPredicate } from "../predicate-classes.js";
import { type StatementClass, type UnwrapStep, classOf } from "../statement.js";

const STATEMENT: StatementClass = { kind: "attestation", format: "in-toto", encoding: "json" };

/**
 * Reads an in-toto statement. The predicate is cut out of the text as it stands, so that its bytes are those that were
 * signed.
 * @see https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
 */
export function readInToto(text: string, expected: Digest | undefined): OpenedContent {
  const root = outlineOf(text);
  if (root?.isWhole !== true) return malformed(STATEMENT, "it is not a whole JSON object");
  if (root.duplicate !== undefined) return malformed(STATEMENT, `the member ${JSON.stringify(root.duplicate)} stands twice`);
  const predicateType = memberText(text, root, "predicateType");
  const named = subjectsOf(text, root, expected);
  if (predicateType === undefined) return malformed({ ...STATEMENT, ...named }, "it has no predicateType");
  const claimed = classOfPredicate(predicateType);
  const predicate = predicateOf(text, root);
  // A predicate of the sort that says nothing of its own may hold a document that does.
  const guess = predicate === undefined || claimed.kind === "signature" ? undefined : guessText(predicate.document);
  const isNamed = claimed.format !== "in-toto";
  const found = guess === undefined || (isNamed && guess.format !== claimed.format) ? claimed : { ...claimed, ...classOf(guess) };
  return openedContent({
    ...found,
    predicateType,
    ...named,
    steps: ["in-toto", ...(predicate?.steps ?? [])],
    ...(predicate !== undefined && { document: predicate.document }),
  });
}

function subjectsOf(text: string, root: JsonOutline, expected: Digest | undefined): ReturnType<NamedSubjects["result"]> {
  const named = new NamedSubjects(expected);
  for (const subject of elementOutlines(text, root, "subject")) {
    const digests = subject.members.get("digest");
    const outline = digests?.type === "object" ? outlineOf(text, digests.start) : undefined;
    named.add([...(outline?.members.keys() ?? [])].map((algorithm) => `${algorithm}:${memberText(text, outline, algorithm)}`));
  }
  return named.result();
}

/** cosign puts what is no JSON, and what it has no type for, into a string or an object under `Data`. */
function predicateOf(text: string, root: JsonOutline): { document: string; steps: readonly UnwrapStep[] } | undefined {
  const predicate = root.members.get("predicate");
  if (predicate === undefined) return undefined;
  const raw = text.slice(predicate.start, predicate.end);
  const inner = predicate.type === "object" ? outlineOf(raw) : undefined;
  const data = inner?.members.get("Data");
  const isWrapped = data !== undefined && [...inner!.members.keys()].every((key) => key === "Data" || key === "Timestamp");
  if (predicate.type !== "string" && !isWrapped) return { document: raw, steps: [] };
  const value = isWrapped ? raw.slice(data.start, data.end) : raw;
  const document = value.startsWith('"') ? decodeString(value) : value;
  return document === undefined ? { document: raw, steps: [] } : { document, steps: ["data"] };
}
