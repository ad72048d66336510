import { listCommands } from "../command-line/command-list.js";
import { type CommandModel, completionModel } from "./completion-model.js";

/** Returns what completion knows of the commands. The bundle holds the finished data in place of this module (build.mjs). */
export async function commandModels(): Promise<readonly CommandModel[]> {
  return completionModel(await Promise.all((await listCommands()).map((entry) => entry.load())));
}
