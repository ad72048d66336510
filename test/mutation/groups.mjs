const TAR_TESTS = [
  "layout/test/archive-read.test.ts",
  "layout/test/archives/odd-members.test.ts",
  "layout/test/archives/symbolic-links.test.ts",
  "layout/test/archives/hard-links.test.ts",
  "layout/test/archives/sizes.test.ts",
  "layout/test/archives/checksums.test.ts",
  "layout/test/archives/truncated.test.ts",
  "layout/test/archive/scan.test.ts",
  "layout/test/archive/members.test.ts",
];

/**
 * The code that guards data, in groups: the files that are mutated and the tests that have to notice. A group names its tests, because
 * almost every test imports almost every file. Paths start in `packages/`.
 */
export const GROUPS = {
  paths: {
    guards: "No name from an archive and no link leads out of a layout",
    sources: ["layout/src/archive/member-name.ts", "layout/src/filesystem/safe-open.ts"],
    tests: [
      "layout/test/archive/member-name.test.ts",
      "layout/test/archives/unsafe-names.test.ts",
      "layout/test/archives/nul-names.test.ts",
      "layout/test/archives/symbolic-links.test.ts",
      "layout/test/safe-open.test.ts",
    ],
    isQuick: true,
  },
  digests: {
    guards: "No content is taken for that of another digest or size",
    sources: ["layout/src/content/hash.ts", "layout/src/content/verified-stream.ts"],
    tests: ["layout/test/hash.test.ts", "layout/test/verified-stream.test.ts"],
    isQuick: true,
  },
  extract: {
    guards: "extract writes only below the directory that it was given, and over nothing",
    sources: ["cli/src/extract/names.ts", "cli/src/extract/write.ts"],
    tests: ["cli/test/extract-names.test.ts", "cli/test/extract-write.test.ts"],
  },
  lock: {
    guards: "Two programs never write one layout at the same time, and a dead one keeps nobody out",
    sources: ["layout/src/directory/lock.ts"],
    tests: [
      "layout/test/lock.test.ts",
      "layout/test/lock-owner.test.ts",
      "layout/test/directory/lock-clock.test.ts",
      "layout/test/directory/lock-failures.test.ts",
    ],
  },
  owners: {
    guards: "It is known who owns a lock or a temporary file, and whether that process is dead",
    sources: ["layout/src/directory/lock-owner.ts", "layout/src/filesystem/temp-file.ts"],
    tests: [
      "layout/test/lock.test.ts",
      "layout/test/lock-owner.test.ts",
      "layout/test/temp-file.test.ts",
      "layout/test/filesystem/temp-names.test.ts",
      "layout/test/directory/lock-clock.test.ts",
      "layout/test/directory/lock-failures.test.ts",
      "layout/test/directory/lock-owner-files.test.ts",
    ],
  },
  index: {
    guards: "index.json is replaced whole, by the owner of the lock, and only if nobody else changed it",
    sources: ["layout/src/directory/directory-index.ts", "layout/src/filesystem/atomic-write.ts"],
    tests: ["layout/test/directory-index.test.ts", "layout/test/atomic-write.test.ts", "layout/test/temp-file.test.ts"],
  },
  gc: {
    guards: "Garbage collection removes nothing that anything in the layout needs",
    sources: [
      "referrers/src/gc/mark-kept.ts",
      "referrers/src/gc/plan-garbage.ts",
      "referrers/src/gc/dangling.ts",
      "referrers/src/gc/sweep.ts",
      "referrers/src/gc/collect-garbage.ts",
    ],
    tests: [
      "referrers/test/gc.test.ts",
      "referrers/test/gc-roots.test.ts",
      "referrers/test/gc-decisions.test.ts",
      "referrers/test/gc-marks.test.ts",
      "referrers/test/outside-convention.test.ts",
    ],
  },
  copy: {
    guards: "A copy leaves nothing behind that belongs to what is copied",
    sources: ["referrers/src/copy/select-copy.ts", "referrers/src/copy/closure.ts"],
    tests: [
      "referrers/test/copy.test.ts",
      "referrers/test/copy-content.test.ts",
      "referrers/test/copy-sparse.test.ts",
      "referrers/test/copy-selection.test.ts",
      "referrers/test/copy-unreadable.test.ts",
    ],
  },
  lists: {
    guards: "A list of referrers that is merged or rewritten keeps what other tools put in it",
    sources: ["referrers/src/records/referrer-lists.ts", "referrers/src/records/response-index.ts"],
    tests: [
      "referrers/test/response-index.test.ts",
      "referrers/test/referrer-lists.test.ts",
      "referrers/test/edge-cases-lists.test.ts",
      "referrers/test/apply.test.ts",
    ],
  },
  headers: {
    guards: "The header of a tar member is read as every other program reads it, or refused",
    sources: ["layout/src/archive/extended-headers.ts", "layout/src/archive/tar-header.ts"],
    tests: [
      ...TAR_TESTS,
      "layout/test/archives/nul-names.test.ts",
      "layout/test/archives/devices.test.ts",
      "layout/test/archive/tar-header.test.ts",
    ],
  },
  members: {
    guards: "A name in a tar stands for the content that every other program finds under it, or is refused",
    sources: ["layout/src/archive/members.ts", "layout/src/archive/scan.ts"],
    tests: TAR_TESTS,
  },
};
