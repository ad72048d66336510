// Compares what each library exports with its report in docs/api/, and with --update writes the reports. Fails for a type that an export uses
// and that is not exported. Needs a build.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Extractor, ExtractorConfig, ExtractorLogLevel } from "@microsoft/api-extractor";

const root = fileURLToPath(new URL("..", import.meta.url));
const reports = join(root, "docs/api");
const isUpdate = process.argv.includes("--update");
mkdirSync(reports, { recursive: true });

const none = { default: { logLevel: ExtractorLogLevel.None } };
for (const name of ["layout", "referrers", "registry", "server"]) {
  const packageFolder = join(root, "packages", name);
  const config = ExtractorConfig.prepare({
    packageJsonFullPath: join(packageFolder, "package.json"),
    configObjectFullPath: undefined,
    configObject: {
      projectFolder: packageFolder,
      mainEntryPointFilePath: join(packageFolder, "dist/index.d.ts"),
      newlineKind: "lf",
      apiReport: {
        enabled: true,
        reportFileName: `${name}.api.md`,
        reportFolder: reports,
        reportTempFolder: join(packageFolder, "dist/.api"),
        includeForgottenExports: false,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      compiler: {
        overrideTsconfig: { extends: "../../tsconfig.base.json", compilerOptions: { composite: false, rootDir: "." }, include: ["dist"] },
      },
      messages: {
        compilerMessageReporting: none,
        tsdocMessageReporting: none,
        extractorMessageReporting: { ...none, "ae-forgotten-export": { logLevel: ExtractorLogLevel.Warning, addToApiReportFile: false } },
      },
    },
  });
  const { apiReportChanged } = Extractor.invoke(config, {
    localBuild: isUpdate,
    showVerboseMessages: false,
    messageCallback: (m) => {
      m.handled = true;
      if (m.messageId !== "ae-forgotten-export") return;
      console.log(`@ocilot/${name}: ${m.text}`);
      process.exitCode = 1;
    },
  });
  if (!apiReportChanged) continue;
  console.log(
    `docs/api/${name}.api.md: ${isUpdate ? "written" : "is not what the package exports; look at the change and run: npm run api -- --update"}`,
  );
  if (!isUpdate) process.exitCode = 1;
}
