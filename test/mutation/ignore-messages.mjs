/** A plugin for Stryker: what an error says is read by people; whether and with which code it is thrown is what the tests guard. */
export const strykerPlugins = [
  {
    kind: "Ignore",
    name: "messages",
    value: {
      shouldIgnore(path) {
        const isMessage = path.isThrowStatement() || (path.isNewExpression() && path.node.callee.name === "OcilotError");
        return isMessage ? "the text of an error" : undefined;
      },
    },
  },
];
