import pg from "pg";

/** SQLSTATE classes that blame the values sent: data exception, integrity constraint violation. */
const DATA_ERROR_CLASSES = new Set(["22", "23"]);

/** Whether PostgreSQL refused the data itself: sending it again would fail again. */
export function isDataError(error: unknown): error is pg.DatabaseError {
  return error instanceof pg.DatabaseError && DATA_ERROR_CLASSES.has(error.code?.slice(0, 2) ?? "");
}
