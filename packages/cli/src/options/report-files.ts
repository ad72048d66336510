/** For commands that check something: files for reports, beside what is printed. */
export const reportFilesOption = {
  report: {
    type: "string",
    array: true,
    placeholder: "FILE",
    complete: "file",
    group: "Output",
    describe: "Also write a report to FILE, in the format of its ending: .sarif, .xml (JUnit) or .json",
  },
} as const;
