import pg from "pg";

/**
 * SQLSTATE classes that blame what was sent: data exception, integrity constraint violation, and a trigger's or
 * function's RAISE.
 */
const DATA_ERROR_CLASSES = new Set(["22", "23", "P0"]);

/** Whether PostgreSQL refused the data itself, and not because of its own state. */
export function isDataError(error: unknown): error is pg.DatabaseError {
  return error instanceof pg.DatabaseError && DATA_ERROR_CLASSES.has(error.code?.slice(0, 2) ?? "");
}
