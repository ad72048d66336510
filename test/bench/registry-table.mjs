// The measurements against a registry as a page, and what the project aims at.

/** What ocilot should do, by group and job: `wall` times the fastest peer, at most `requests`. */
const GOALS = {
  "1,000 referrers": {
    push: { wall: 0.25, requests: 4010 },
    "push again": { requests: 4 },
    pull: { wall: 0.5, requests: 2010 },
    "pull again": { requests: 4 },
  },
  "1 GiB": { push: { wall: 1.2, mb: 150 }, pull: { wall: 1.2, mb: 150 } },
};

/** One line for each goal: whether it is reached, and by how much. */
export function summaryOf(rows) {
  return rows
    .filter(({ name }) => name === "ocilot")
    .flatMap((own) => {
      const goal = GOALS[own.group]?.[own.job] ?? {};
      const ratio = ratioOf(own, rows);
      return [
        ...(goal.wall === undefined || ratio === undefined ? [] : [verdict(own, "times the fastest peer's wall", ratio, goal.wall)]),
        ...(goal.requests === undefined ? [] : [verdict(own, "requests", own.requests, goal.requests)]),
        ...(goal.mb === undefined ? [] : [verdict(own, "MB", own.mb, goal.mb)]),
      ];
    });
}

export function renderRegistryPage(rows, { versions, runs, isQuick }) {
  const lines = [
    "# Benchmarks against a registry",
    "",
    "Whole processes against docker-registry on the loopback interface of one machine, in turn. Each round pushes into a new repository, pushes again,",
    `pulls into a new layout and pulls again; median of ${runs} ${runs === 1 ? "round" : "rounds after one that does not count"}, the largest peak of memory. CPU is user and system time of the`,
    "client; requests are those that the registry logged. ocilot syncs what it writes to the disk; its peers do not, so pulls are measured without it too. Repeat it with:",
    "",
    "```sh no-run",
    `npm run bench:registry --${isQuick ? " --quick" : ""} --write`,
    "```",
    "",
    `Versions: ${versions.map(([name, version]) => `${name} ${version}`).join(" · ")}`,
  ];
  for (const group of new Set(rows.map((r) => r.group))) {
    lines.push(
      "",
      `## ${group}`,
      "",
      "| job | program | wall | to the fastest peer | CPU | peak MB | requests |",
      "| --- | --- | --- | --- | --- | --- | --- |",
    );
    const own = rows.filter((r) => r.group === group);
    for (const job of new Set(own.map((r) => r.job))) {
      for (const row of own.filter((r) => r.job === job)) {
        const ratio = row.name.startsWith("ocilot") ? ratioOf(row, rows) : undefined;
        lines.push(
          `| ${job} | ${row.name} | ${seconds(row.ms)} | ${ratio === undefined ? "" : `${ratio.toFixed(2)} ×`} | ${row.cpu.toFixed(2)} s | ${Math.round(row.mb)} | ${kindsText(row)} |`,
        );
      }
    }
  }
  return `${lines.join("\n")}\n`;
}

function ratioOf(own, rows) {
  const peers = rows.filter((r) => r.group === own.group && r.job === own.job && !r.name.startsWith("ocilot"));
  return peers.length === 0 ? undefined : own.ms / Math.min(...peers.map((r) => r.ms));
}

function verdict({ group, job }, what, found, goal) {
  return `${found <= goal ? "reached" : "MISSED"}: ${group}, ${job}: ${Number(found.toFixed(2))} ${what} (goal: ${goal})`;
}

/** The number of requests, and the kinds that make most of them. */
function kindsText({ requests, kinds }) {
  const most = Object.entries(kinds)
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, 4);
  return `${requests} (${most.map(([kind, n]) => `${kind} ${n}`).join(", ")})`;
}

function seconds(ms) {
  return `${(ms / 1000).toFixed(2)} s`;
}
