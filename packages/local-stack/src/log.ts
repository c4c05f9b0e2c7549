/** What this package needs of a logger; pino's fits. */
export interface Log {
  info(info: object, message: string): void;
  warn(info: object, message: string): void;
}
