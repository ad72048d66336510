/** For commands that can print JSON. */
export const jsonOption = {
  json: { type: "boolean", alias: "j", configurable: true, group: "Output", describe: "Print JSON, errors too" },
} as const;
