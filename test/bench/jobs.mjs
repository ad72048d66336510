// What is measured. Each job says how ocilot and each peer do it, and how to tell that it was done.
import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/** How many referrers a layout has. */
export const SIZES = [
  ["100", 100],
  ["1k", 1000],
  ["10k", 10_000],
  ["100k", 100_000],
];

/**
 * `run` maps a program to its command; `copyOf` is a layout that each run gets its own copy of; `check` throws unless
 * the job was done; `slow` names programs that run once; `statuses` are the exit codes other than 0 that mean success. `regctl` is the
 * path of that program, or its name.
 */
export function jobs({ ocilot, inputs, regctl }) {
  const node = [process.execPath, ocilot];
  const shell = (line) => ["sh", "-c", line];
  const listed = (n) => (result) => {
    const answer = JSON.parse(result.stdout);
    const found = (answer.manifests ?? answer.referrers ?? answer.descriptors).length;
    if (found !== n) throw new Error(`${found} referrers listed instead of ${n}`);
  };
  const referrersIn = (directory) => JSON.parse(readFileSync(join(directory, "index.json"), "utf8")).manifests.length;
  const sameBlobs =
    (source) =>
    (_, __, { target }) => {
      const names = (d) => readdirSync(join(d, "blobs", "sha256")).filter((n) => /^[0-9a-f]{64}$/.test(n)).length;
      if (names(target) < names(source)) throw new Error(`${names(target)} blobs copied instead of ${names(source)}`);
    };
  const list = (input, n, convention) => ({
    input,
    check: listed(n),
    output: "text",
    run: {
      ocilot: [...node, "referrers", `${input}:v0`, "--json"],
      oras: ["oras", "discover", "--oci-layout", `${input}:v0`, "--format", "json"],
      // Without this option regctl reads lists alone, and an oras layout has none.
      regctl: [
        regctl,
        "artifact",
        "list",
        `ocidir://${input}:v0`,
        "--format",
        "{{json .}}",
        ...(convention === "oras" ? ["--slow-referrers"] : []),
      ],
    },
  });
  const all = [];
  for (const [size, n] of SIZES) {
    for (const convention of ["oras", "regclient", "universal"]) {
      all.push({
        group: `list, all on one subject, ${convention} layout`,
        size,
        ...list(inputs[`${size}-1-${convention}`], n, convention),
      });
      all.push({
        group: `list one of 100 subjects, ${convention} layout`,
        size,
        ...list(inputs[`${size}-100-${convention}`], n / 100, convention),
      });
    }
    const file = join(inputs.root, "file.txt");
    const type = "application/vnd.example.new";
    const attached = {
      size,
      copyOf: inputs[`${size}-100-oras`],
      check: (_, __, { target, before }) => {
        if (referrersIn(target) <= before) throw new Error("nothing was attached");
      },
    };
    const orasAttach = (t) => ["oras", "attach", "--oci-layout", `${t}:v0`, "--artifact-type", type, "--disable-path-validation", file];
    all.push({
      group: "attach one more, oras layout, 100 subjects",
      ...attached,
      run: {
        ocilot: (t) => [...node, "attach", `${t}:v0`, file, "--artifact-type", type, "--no-sync"],
        oras: orasAttach,
        regctl: (t) => [regctl, "artifact", "put", "--artifact-type", type, "--subject", `ocidir://${t}:v0`, "-f", file],
      },
    });
    all.push({
      group: "attach one more, on the disk before it ends",
      ...attached,
      run: {
        ocilot: (t) => [...node, "attach", `${t}:v0`, file, "--artifact-type", type],
        "oras; sync": (t) => shell(`${orasAttach(t).join(" ")} && sync -f ${t}`),
      },
    });
    all.push({
      group: "attach one more, universal layout, 100 subjects",
      ...attached,
      copyOf: inputs[`${size}-100-universal`],
      check: () => undefined,
      run: {
        ocilot: (t) => [...node, "attach", `${t}:v0`, file, "--artifact-type", type, "--no-sync"],
        oras: orasAttach,
        regctl: (t) => [regctl, "artifact", "put", "--artifact-type", type, "--subject", `ocidir://${t}:v0`, "-f", file],
      },
    });
    if (size !== "100k") {
      const source = inputs[`${size}-1-oras`];
      const copied = { size, slow: size === "10k" ? ["oras", "oras; sync"] : [], check: sameBlobs(source) };
      const orasCopy = (t) => ["oras", "cp", "-r", "--from-oci-layout", `${source}:v0`, "--to-oci-layout", `${t}:v0`];
      all.push({
        group: "copy with referrers, directory to directory",
        ...copied,
        run: {
          ocilot: (t) => [...node, "copy", `${source}:v0`, t, "--no-sync"],
          oras: orasCopy,
          regctl: (t) => [regctl, "image", "copy", "--referrers", `ocidir://${source}:v0`, `ocidir://${t}:v0`],
        },
      });
      all.push({
        group: "copy with referrers, on the disk before it ends",
        ...copied,
        run: {
          ocilot: (t) => [...node, "copy", `${source}:v0`, t],
          "oras; sync": (t) => shell(`${orasCopy(t).join(" ")} && sync -f ${t}`),
        },
      });
    }
    // A list of 100,000 lines is larger than any tool reads, so there the referrers are those of 100 subjects.
    const convertible = size === "100k" ? 100 : 1;
    all.push({
      group: "convert oras → universal",
      size,
      copyOf: inputs[`${size}-${convertible}-oras`],
      check: (result) => {
        if (!/converted/.test(result.stdout)) throw new Error("nothing was converted");
      },
      output: "text",
      run: { ocilot: (t) => [...node, "convert", t, "--to", "universal", "--no-sync"] },
    });
    all.push({
      group: "convert --check of a universal layout",
      size,
      check: () => undefined,
      run: { ocilot: [...node, "convert", inputs[`${size}-${convertible}-universal`], "--to", "universal", "--check"] },
    });
    all.push({
      group: "convert to universal again, nothing to do",
      size,
      copyOf: inputs[`${size}-${convertible}-universal`],
      check: () => undefined,
      run: { ocilot: (t) => [...node, "convert", t, "--to", "universal", "--no-sync"] },
    });
    const read = (group, ...args) => all.push({ group, size, statuses: [7], check: () => undefined, run: { ocilot: [...node, ...args] } });
    for (const convention of ["oras", "universal"]) {
      const layout = inputs[`${size}-100-${convention}`];
      read(`ls, ${convention} layout`, "ls", layout);
      read(`doctor, ${convention} layout`, "doctor", layout);
      read(`verify, ${convention} layout`, "verify", layout);
      read(`gc --dry-run, ${convention} layout`, "gc", layout, "--dry-run");
    }
  }
  const big = inputs.big;
  const blobs = readdirSync(join(big, "blobs", "sha256")).map((n) => join(big, "blobs", "sha256", n));
  const bigCopied = (_, __, { target }) => {
    for (const path of blobs) {
      const copy = join(target, "blobs", "sha256", path.slice(path.lastIndexOf("/") + 1));
      if (statSync(copy).size !== statSync(path).size) throw new Error(`${copy} is not whole`);
    }
  };
  all.push({
    group: "copy a 1 GiB image, digests checked",
    size: "1 GiB",
    check: bigCopied,
    run: {
      ocilot: (t) => [...node, "copy", `${big}:v0`, t, "--no-sync"],
      "ocilot --link": (t) => [...node, "copy", `${big}:v0`, t, "--link", "--no-sync"],
      "cp -r": (t) => ["cp", "-r", big, t],
      oras: (t) => ["oras", "cp", "--from-oci-layout", `${big}:v0`, "--to-oci-layout", `${t}:v0`],
      skopeo: (t) => ["skopeo", "copy", "-q", "--dest-oci-accept-uncompressed-layers", `oci:${big}:v0`, `oci:${t}:v0`],
    },
  });
  all.push({
    group: "copy a 1 GiB image, on the disk before it ends",
    size: "1 GiB",
    check: bigCopied,
    run: { ocilot: (t) => [...node, "copy", `${big}:v0`, t], "cp -r; sync": (t) => shell(`cp -r ${big} ${t} && sync -f ${t}`) },
  });
  const tarIsWhole = (_, __, { target }) => {
    if (statSync(target).size < 1 << 30) throw new Error("the archive is too small");
  };
  all.push({
    group: "write a 1 GiB image to a tar",
    size: "1 GiB",
    suffix: ".tar",
    check: tarIsWhole,
    run: {
      ocilot: (t) => [...node, "copy", `${big}:v0`, t, "--no-sync"],
      "tar cf": (t) => ["tar", "cf", t, "-C", big, "."],
      skopeo: (t) => ["skopeo", "copy", "-q", "--dest-oci-accept-uncompressed-layers", `oci:${big}:v0`, `oci-archive:${t}:v0`],
    },
  });
  all.push({
    group: "write a 1 GiB image to a tar, on the disk before it ends",
    size: "1 GiB",
    suffix: ".tar",
    check: tarIsWhole,
    run: {
      ocilot: (t) => [...node, "copy", `${big}:v0`, t],
      "tar cf; sync": (t) => shell(`tar cf ${t} -C ${big} . && sync -f ${t}`),
    },
  });
  all.push({
    group: "verify a 1 GiB image",
    size: "1 GiB",
    check: () => undefined,
    run: {
      ocilot: [...node, "verify", big],
      "sha256sum on all cores": shell(`ls ${big}/blobs/sha256/* | xargs -P "$(nproc)" -n 1 sha256sum`),
    },
  });
  const huge = (group, run, suffix) => all.push({ group, size: "10 GiB", once: true, suffix, check: () => undefined, run });
  huge("verify a blob of 10 GiB", { ocilot: [...node, "verify", inputs.huge] });
  huge("copy a blob of 10 GiB", { ocilot: (t) => [...node, "copy", `${inputs.huge}:v0`, t, "--no-sync"] });
  huge("write a blob of 10 GiB to a tar", { ocilot: (t) => [...node, "copy", `${inputs.huge}:v0`, t, "--no-sync"] }, ".tar");
  const start = (group, args, peers = {}) =>
    all.push({
      group: `start: ${group}`,
      size: "-",
      check: () => undefined,
      run: { ocilot: [...node, ...args], "node -e 0": [process.execPath, "-e", "0"], ...peers },
    });
  start("--version", ["--version"], { oras: ["oras", "version"] });
  start("attach --help", ["attach", "--help"], { oras: ["oras", "attach", "--help"] });
  start("ls of a fixture", ["ls", inputs.fixture], { oras: ["oras", "repo", "tags", "--oci-layout", inputs.fixture] });
  start("referrers of a fixture", ["referrers", `${inputs.fixture}:v1`], {
    oras: ["oras", "discover", "--oci-layout", `${inputs.fixture}:v1`],
  });
  return all;
}
