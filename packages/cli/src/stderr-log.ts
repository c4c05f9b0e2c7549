/** A command says what it has to say on its own; connection trouble goes to stderr. */
export const stderrLog = {
  info: () => undefined,
  warn: (info: object, message: string) => process.stderr.write(`${message}: ${JSON.stringify(info)}\n`),
};
