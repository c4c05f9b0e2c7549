import { DateTime, type DateTimeUnit } from "luxon";

/**
 * The first moment of the day, week, month or year that `at` is in. Where clocks are set back to midnight, as on the Azores,
 * a day has its first hour twice; it begins with the first of them.
 */
export function startOf(unit: DateTimeUnit, at: DateTime): DateTime {
  return DateTime.min(...at.startOf(unit).getPossibleOffsets()) as DateTime;
}
