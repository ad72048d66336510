import type { ToolId } from "../reader-tool.js";

/** Programs that have no model here and whose behaviour traps are about. */
export type OtherProgram = "oras-go GC" | "umoci gc" | "docker load" | "ctr import" | "skopeo copy" | "hauler" | "other users";

/** What the table in docs/doctor.md says of a trap. */
export interface TrapRow {
  /** Its number among the fifteen of the dossier; the others follow from the links themselves. */
  readonly number?: number;
  /** Whom it concerns. */
  readonly programs: readonly (ToolId | OtherProgram)[];
  /** What will happen, as one sentence. */
  readonly effect: string;
  /** The one command that mends it; `LAYOUT` stands for the layout, `DIGEST` and `TAG` for what the first place names. */
  readonly fix: string;
}

/** The codes of traps; stable, so that a script may rely on them. */
export type TrapCode =
  | "INDEX_UNSAFE"
  | "MANIFEST_UNREADABLE"
  | "SUBJECT_MISMATCH"
  | "LIST_INEXACT"
  | "LIST_NOT_SERVED"
  | "TAG_LIKE_LIST"
  | "REFERRER_UNLISTED"
  | "NOT_RECORDED"
  | "NO_SUBJECT"
  | "LEGACY_TYPE"
  | "SUBJECT_DANGLING"
  | "SPARSE"
  | "NO_TAGS"
  | "DOCKER_TYPES"
  | "UNTAGGED_ENTRIES"
  | "HAULER_DROPS"
  | "SKOPEO_REPLACES"
  | "FILES_PRIVATE";

const TO_UNIVERSAL = "ocilot convert LAYOUT --to universal";

/** Every trap, in the order in which they had better be mended. A new one is a line here, a detector, a test that makes it, and a line in docs/doctor.md. */
export const TRAPS: Readonly<Record<TrapCode, TrapRow>> = {
  INDEX_UNSAFE: {
    number: 9,
    programs: ["regctl", "oras", "skopeo copy", "umoci gc"],
    effect: "Tools read index.json differently or not at all; regctl takes one that it cannot read for empty and deletes every blob.",
    fix: "ocilot copy --all LAYOUT NEW",
  },
  MANIFEST_UNREADABLE: {
    number: 4,
    programs: ["oras", "notation"],
    effect:
      "oras opens everything that index.json leads to, and refuses the whole layout for one manifest that is not what its descriptor says.",
    fix: "ocilot repair LAYOUT --from OTHER",
  },
  SUBJECT_MISMATCH: {
    number: 5,
    programs: ["oras", "notation"],
    effect: "oras loses the link, or refuses the whole layout; the referrer has to be attached again to its subject as it is.",
    fix: "ocilot detach LAYOUT@DIGEST",
  },
  LIST_INEXACT: {
    number: 1,
    programs: ["olareg"],
    effect: "olareg 0.2.2 hangs on a list that is not byte for byte what it would write itself.",
    fix: TO_UNIVERSAL,
  },
  LIST_NOT_SERVED: {
    number: 2,
    programs: ["olareg"],
    effect: "The flag on index.json tells olareg that there is nothing to take over, so it never looks at these lists.",
    fix: "ocilot convert LAYOUT --to olareg",
  },
  TAG_LIKE_LIST: {
    number: 11,
    programs: ["regctl", "olareg"],
    effect:
      "The tag has the form of a list of referrers: regctl overwrites it with the next referrer, and ocilot refuses to write a list there.",
    fix: "ocilot untag LAYOUT:TAG",
  },
  REFERRER_UNLISTED: {
    number: 3,
    programs: ["regctl", "oras", "notation", "olareg", "umoci gc", "oras-go GC"],
    effect: "Nothing leads to the referrer: hardly a tool finds it, and the next collection of regctl, umoci or oras-go deletes it.",
    fix: "ocilot convert LAYOUT --to universal --scan",
  },
  NOT_RECORDED: {
    programs: [],
    effect:
      "The link is recorded in a way that these tools do not read: they do not list the referrer, and leave it behind when they copy.",
    fix: TO_UNIVERSAL,
  },
  NO_SUBJECT: {
    programs: ["oras", "notation", "regctl", "regctl-slow", "olareg"],
    effect: "The manifest has no subject field: tools that go by it neither find nor copy it, whatever index.json says.",
    fix: "ocilot lift LAYOUT",
  },
  LEGACY_TYPE: {
    programs: ["oras", "notation", "buildx", "zot"],
    effect: "The manifest is of a type that was withdrawn: current tools keep it at best, and do not list it.",
    fix: "ocilot lift LAYOUT --from legacy",
  },
  SUBJECT_DANGLING: {
    number: 6,
    programs: ["oras", "notation", "umoci gc", "oras-go GC"],
    effect:
      "The subject is not in the layout: umoci gc stops with an error, the collection of oras-go up to 2.6.2 never ends, oras cannot be asked.",
    fix: "ocilot gc LAYOUT --prune-dangling",
  },
  SPARSE: {
    number: 15,
    programs: ["olareg", "zot", "buildx", "umoci gc"],
    effect:
      "Content is missing: olareg removes the entries of missing manifests, zot and buildx fail every query, umoci gc stops with an error.",
    fix: "ocilot copy SOURCE LAYOUT",
  },
  NO_TAGS: {
    number: 8,
    programs: ["oras-go GC"],
    effect: "The collection of oras-go keeps only what a tag leads to: it deletes everything.",
    fix: "ocilot tag LAYOUT@DIGEST latest",
  },
  DOCKER_TYPES: {
    number: 7,
    programs: ["umoci gc"],
    effect: "umoci does not open manifests of Docker's types and deletes their configs and layers; collect with this instead.",
    fix: "ocilot gc LAYOUT",
  },
  UNTAGGED_ENTRIES: {
    number: 12,
    programs: ["docker load", "ctr import"],
    effect:
      "docker load, and ctr import with --digests, make an image of each entry that containerd's annotation does not mark, and of each list. The cure takes away what regctl and olareg read.",
    fix: "ocilot convert LAYOUT --to containerd --only",
  },
  HAULER_DROPS: {
    number: 13,
    programs: ["hauler"],
    effect: "hauler keeps only entries that have a name: it drops these the next time that it saves the store.",
    fix: "ocilot convert LAYOUT --to hauler",
  },
  SKOPEO_REPLACES: {
    number: 14,
    programs: ["skopeo copy"],
    effect:
      "skopeo copy of this manifest into the layout, without a name, replaces the entry, and the link that only its annotations make is gone.",
    fix: "ocilot lift LAYOUT",
  },
  FILES_PRIVATE: {
    number: 10,
    programs: ["other users"],
    effect: "Only their owner can read these files.",
    fix: "chmod -R a+rX LAYOUT",
  },
};

export const TRAP_CODES: readonly TrapCode[] = Object.keys(TRAPS) as TrapCode[];
