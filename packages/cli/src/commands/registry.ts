import type { Command } from "../command.js";

/** A command before it is loaded. */
export interface CommandEntry {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  load(): Promise<Command>;
}

/** Every command, in the order in which help lists them. A new one is a file and a line here. */
export const COMMANDS: readonly CommandEntry[] = [
  { name: "ls", summary: "List images, platforms and how many referrers each has", load: async () => (await import("./ls.js")).ls },
  {
    name: "referrers",
    summary: "Show what refers to an image: signatures, SBOMs, attestations",
    load: async () => (await import("./referrers.js")).referrers,
  },
  { name: "cat", summary: "Print a blob, its size and digest checked", load: async () => (await import("./cat.js")).cat },
  { name: "extract", summary: "Write the files of a referrer to a directory", load: async () => (await import("./extract.js")).extract },
  {
    name: "convert",
    summary: "Make every referrer visible to other tools, in place or into a copy",
    load: async () => (await import("./convert.js")).convertCommand,
  },
  {
    name: "doctor",
    summary: "Tell which tools find what in a layout, what will go wrong, and what mends it",
    load: async () => (await import("./doctor.js")).doctorCommand,
  },
  {
    name: "lift",
    summary: "Give links without a subject field one, in new manifests beside the old",
    load: async () => (await import("./lift.js")).liftCommand,
  },
  {
    name: "attach",
    summary: "Attach an SBOM, a signature, any file to an image",
    load: async () => (await import("./attach.js")).attachCommand,
  },
  {
    name: "detach",
    summary: "Take a referrer out of every convention that lists it",
    load: async () => (await import("./detach.js")).detachCommand,
  },
  { name: "tag", summary: "Give a manifest more names", load: async () => (await import("./tag.js")).tag },
  { name: "untag", summary: "Take a name away; the manifest stays", load: async () => (await import("./untag.js")).untag },
  { name: "copy", summary: "Copy an image with its platforms and every referrer", load: async () => (await import("./copy.js")).copy },
  {
    name: "gc",
    summary: "Remove blobs that nothing needs, and never a referrer of what is kept",
    load: async () => (await import("./gc.js")).gc,
  },
  { name: "init", summary: "Make an empty layout", load: async () => (await import("./init.js")).init },
  {
    name: "verify",
    summary: "Prove that a layout is whole and holds what it must",
    load: async () => (await import("./verify.js")).verify,
  },
  { name: "repair", summary: "Mend a layout from other copies of it", load: async () => (await import("./repair.js")).repair },
];
