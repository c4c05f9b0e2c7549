import { createLogger, type Logger } from "@votesync/service-kit";

/** What services log of faults is no news here: the faults are made on purpose. */
export const log: Logger = createLogger({ service: "simulation", level: "silent" });
