/** How this package tells a person what it does; pino's loggers fit. */
export interface StackLog {
  info(info: object, message: string): void;
  warn(info: object, message: string): void;
}

/** Something a person has to put right; the message says what and how. */
export class StackError extends Error {
  override readonly name = "StackError";
}
