import type { Log } from "./log.js";

export interface Terminal {
  line(text: string): void;
  log: Log;
}

/** Plain lines for a person. A closed terminal is no reason to stop. */
export function createTerminal(stream: NodeJS.WritableStream): Terminal {
  stream.on("error", () => undefined);
  const line = (text: string) => {
    stream.write(`${text}\n`);
  };
  return {
    line,
    log: {
      info: (_info, message) => line(message),
      warn: (_info, message) => line(`! ${message}`),
    },
  };
}
