import type { CommandModel } from "./completion-model.js";
import { type Offer, complete } from "./complete.js";
import { layoutNames } from "./layout-names.js";
import { lastPiece, shellWords } from "./shell-words.js";

/**
 * Returns the answer to a completion script: a line that says what the shell adds of its own and whether a space follows, then
 * one line for each candidate, with its description after a tab where the shell shows one. bash gives its whole line and the
 * characters at which it breaks words, the others give words.
 */
export async function answer(args: readonly string[], commands: readonly CommandModel[]): Promise<string> {
  const [shell, ...rest] = args;
  // Its script adds a dot to each word, so that none is empty.
  if (shell === "powershell")
    return lines(
      await complete(
        rest.map((word) => word.replace(/\.$/, "")),
        commands,
        layoutNames(),
      ),
      true,
    );
  if (shell !== "bash") return lines(await complete(rest, commands, layoutNames()), true);
  const [line = "", breaks = ""] = rest;
  const { words, raw } = shellWords(line);
  const offer = await complete(words.slice(1), commands, layoutNames());
  // Inside quotes bash breaks words elsewhere; it completes files there, which is what it is good at.
  if (raw === undefined) return lines({ ...offer, candidates: [] }, false);
  return lines({ ...offer, candidates: offer.candidates.map((c) => ({ value: lastPiece(raw, c.value, breaks) })) }, false);
}

function lines({ candidates, paths, isOpen }: Offer, isDescribed: boolean): string {
  const shown = candidates.map((c) => (isDescribed && c.describe ? `${c.value}\t${c.describe}` : c.value));
  return [`${paths}${isOpen ? " open" : ""}`, ...shown].join("\n");
}
