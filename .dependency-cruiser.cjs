/**
 * The arrows of ARCHITECTURE.md, as rules: what a package may import, and within a package what each room (a folder, or a
 * single file directly below `src`) may import. Whatever is not listed is forbidden.
 */
const packages = {
  layout: [],
  referrers: ["layout"],
  registry: ["layout", "referrers"],
  server: ["layout", "referrers"],
  testkit: ["layout", "referrers", "registry"],
  cli: ["layout", "referrers", "registry", "server"],
};

/** `any` is allowed to every room of the package; `index.ts` hands names on and may import every room. */
const rooms = {
  layout: {
    any: ["abort.ts", "errors.ts"],
    spec: [],
    content: ["spec", "filesystem"],
    filesystem: [],
    mover: ["spec", "content", "filesystem"],
    "storage.ts": ["spec", "content", "mover"],
    directory: ["spec", "content", "filesystem", "mover", "storage.ts"],
    memory: ["spec", "content", "filesystem", "storage.ts"],
    "resolve.ts": ["spec", "content", "storage.ts"],
    "tag.ts": ["spec"],
    "abort.ts": [],
    "layout.ts": ["spec", "memory", "resolve.ts", "tag.ts", "storage.ts"],
    "directory-layout.ts": ["directory", "layout.ts"],
    archive: ["spec", "content", "filesystem", "mover", "directory", "memory", "storage.ts", "layout.ts"],
    "open-layout.ts": ["archive", "directory-layout.ts"],
    "reference.ts": ["spec", "archive", "directory"],
    transfer: ["spec", "content", "directory", "filesystem", "mover", "directory-layout.ts", "layout.ts", "storage.ts"],
    "web.ts": ["spec", "archive", "content", "filesystem", "layout.ts", "memory", "mover", "resolve.ts", "storage.ts", "tag.ts"],
  },
  referrers: {
    any: [],
    view: [],
    graph: ["view"],
    platform: ["graph", "view"],
    records: ["graph", "view"],
    conventions: ["graph", "records", "view"],
    tools: ["graph", "records", "view"],
    evidence: ["conventions", "graph", "records", "view"],
    images: ["conventions", "graph", "platform", "records", "view"],
    write: ["conventions", "evidence", "graph", "records", "view"],
    copy: ["conventions", "evidence", "graph", "platform", "records", "view", "write"],
    gc: ["conventions", "graph", "records", "view", "write"],
    lift: ["conventions", "evidence", "graph", "records", "view", "write"],
    verify: ["conventions", "evidence", "graph", "platform", "records", "view"],
    convert: ["evidence", "conventions", "graph", "lift", "platform", "records", "tools", "verify", "view"],
    doctor: ["conventions", "evidence", "graph", "lift", "records", "tools", "verify", "view"],
    policy: ["evidence", "graph", "tools", "verify"],
    receipt: ["evidence", "graph", "records", "verify"],
    bundle: ["conventions", "copy", "graph", "records", "receipt", "verify", "view"],
    repair: ["conventions", "convert", "graph", "verify", "view"],
    "web.ts": [
      "bundle",
      "conventions",
      "convert",
      "doctor",
      "evidence",
      "gc",
      "graph",
      "images",
      "lift",
      "platform",
      "policy",
      "copy",
      "records",
      "tools",
      "verify",
      "view",
      "write",
    ],
  },
  registry: {
    any: ["environment.ts"],
    reference: [],
    transport: ["reference"],
    credentials: ["reference", "transport"],
    auth: ["credentials", "reference", "transport"],
    client: ["auth", "reference", "transport"],
    "session.ts": ["auth", "client", "credentials", "reference", "transport"],
    "login.ts": ["credentials", "reference", "session.ts"],
    repository: ["client", "reference", "session.ts"],
  },
  server: {
    any: [],
    protocol: [],
    access: [],
    observe: [],
    "options.ts": ["access", "observe", "protocol", "repositories"],
    repositories: ["protocol"],
    "open-repositories.ts": ["repositories"],
    uploads: ["protocol", "repositories"],
    routes: ["access", "observe", "options.ts", "protocol", "repositories", "uploads"],
    "registry.ts": ["access", "observe", "options.ts", "protocol", "repositories", "routes", "uploads"],
    http: ["observe", "options.ts", "protocol", "registry.ts", "routes"],
    ui: ["protocol", "options.ts", "repositories"],
    "create-server.ts": ["http", "open-repositories.ts", "options.ts", "registry.ts", "ui"],
  },
  cli: {
    any: [],
    bundle: ["command-line", "reference", "render"],
    "command-line": ["exit-code.ts", "io.ts", "nearest.ts", "output.ts"],
    reference: ["command-line", "images", "render"],
    render: ["exit-code.ts", "images", "io.ts", "nearest.ts"],
    report: ["owned-file.ts", "render"],
    images: [],
    "cli.ts": ["command-line", "completion", "exit-code.ts", "manual", "options", "output.ts", "render", "version.ts"],
    "io.ts": [],
    "output.ts": ["io.ts", "render"],
    "exit-code.ts": [],
    "nearest.ts": [],
    "owned-file.ts": [],
    completion: ["command-line"],
    manual: ["command-line", "completion", "exit-code.ts", "version.ts"],
    options: ["command-line", "io.ts", "output.ts", "owned-file.ts"],
    "version.ts": [],
    commands: [
      "bundle",
      "command-line",
      "completion",
      "exit-code.ts",
      "extract",
      "images",
      "io.ts",
      "login",
      "options",
      "output.ts",
      "reference",
      "render",
      "report",
      "version.ts",
    ],
    login: ["command-line"],
    extract: ["command-line", "exit-code.ts", "images", "options", "reference", "render"],
    "main.ts": ["cli.ts", "io.ts"],
    "ocilot.ts": ["start"],
    "ocilot-single.ts": ["start"],
    "ocilot-executable.ts": ["start"],
    start: [],
  },
};

/** What a browser does not have. */
const builtin = `^(?:node:)?(?:${require("node:module")
  .builtinModules.filter((name) => !name.startsWith("_"))
  .join("|")})$`;

/** Rooms without IO: no `node:` module, and of @ocilot/layout only its pure entry. `open-view` and those named here take a Layout. */
const pure =
  "^packages/referrers/src/(graph|view|records|conventions|tools|evidence)/(?!open-view|embedded-content|followed-blobs|describe-blobs|docker-manifests|unreferenced-blobs|list-referrers)";

const packageRules = Object.entries(packages).map(([name, allowed]) => ({
  name: `package-${name}-imports-only-${allowed.join("-") || "nothing"}`,
  severity: "error",
  from: { path: `^packages/${name}/src/` },
  to: { path: "^packages/([^/]+)/", pathNot: [name, ...allowed].map((to) => `^packages/${to}/`) },
}));

const escaped = (room) => room.replaceAll(".", "\\.") + (room.endsWith(".ts") ? "$" : "/");
const roomRules = Object.entries(rooms).flatMap(([name, { any, ...table }]) => [
  ...Object.entries(table).map(([room, allowed]) => ({
    name: `room-${name}-${room}`,
    severity: "error",
    from: { path: `^packages/${name}/src/${escaped(room)}`, pathNot: `^packages/${name}/src/spec/index\\.ts$` },
    to: {
      path: `^packages/${name}/src/`,
      pathNot: [room, ...any, ...allowed].map((to) => `^packages/${name}/src/${escaped(to)}`),
    },
  })),
  {
    name: `room-of-${name}-is-listed`,
    comment: "A new room gets a line in the table above.",
    severity: "error",
    from: {
      path: `^packages/${name}/src/`,
      pathNot: [...Object.keys(table), ...any, "index.ts"].map((room) => `^packages/${name}/src/${escaped(room)}`),
    },
    to: {},
  },
]);

module.exports = {
  forbidden: [
    { name: "no-circles", severity: "error", from: {}, to: { circular: true } },
    ...packageRules,
    ...roomRules,
    { name: "spec-does-no-io", severity: "error", from: { path: "^packages/layout/src/spec/" }, to: { dependencyTypes: ["core"] } },
    {
      name: "references-and-challenges-do-no-io",
      severity: "error",
      from: { path: "^packages/registry/src/(reference/|auth/(challenge|scope)|client/link)" },
      to: { dependencyTypes: ["core"] },
    },
    { name: "pure-rooms-do-no-io", severity: "error", from: { path: pure }, to: { dependencyTypes: ["core"] } },
    { name: "pure-rooms-use-the-pure-entry", severity: "error", from: { path: pure }, to: { path: "^packages/layout/(src|dist)/index" } },
    {
      name: "web-reaches-no-node",
      comment: "What @ocilot/layout/web and @ocilot/referrers/web consist of runs in a browser: decision 0014.",
      severity: "error",
      from: { path: "^packages/(layout|referrers)/src/web\\.ts$" },
      to: { path: `${builtin}|^packages/layout/(?:src|dist)/index`, reachable: true },
    },
    {
      name: "no-foreign-src",
      severity: "error",
      from: { path: "^packages/([^/]+)/" },
      to: { path: "^packages/([^/]+)/src", pathNot: "^packages/$1/" },
    },
    { name: "resolvable", severity: "error", from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.base.json" },
    doNotFollow: { path: "node_modules|/dist/" },
    exclude: { path: "/test/" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "types", "default"] },
  },
};
