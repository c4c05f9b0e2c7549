/** When a launch opens and closes, and who may choose that. */
import { type LaunchAppBody, launchDateAt, launchDay } from "@votesync/core";
import { problem } from "@votesync/service-kit";

export interface Schedule {
  date: string;
  opensAt: Date;
  closesAt: Date;
}

/** @throws {HttpError} 400 when there is no such day */
export function scheduleOf({ launchDate, opensAt, closesAt }: LaunchAppBody, zone: string): Schedule {
  if (opensAt === undefined || closesAt === undefined) {
    return { date: launchDate as string, ...dayOf(launchDate as string, zone, "launchDate") };
  }
  const date = launchDate ?? launchDateAt(opensAt.getTime(), zone);
  dayOf(date, zone, "launchDate");
  return { date, opensAt, closesAt };
}

/** @throws {HttpError} 400 when the zone has no such day */
export function dayOf(date: string, zone: string, path: string): { opensAt: Date; closesAt: Date } {
  const day = launchDay(date, zone);
  if (day === null) {
    throw problem(400, "There is no such day.", { errors: [{ path, message: `is no day in ${zone}` }] });
  }
  return { opensAt: new Date(day.opensAtUs / 1_000), closesAt: new Date(day.closesAtUs / 1_000) };
}

/** @throws {HttpError} 403 */
export function refuseForUsers(isAdmin: boolean, body: LaunchAppBody, { closesAt }: Schedule, now: Date): void {
  if (isAdmin) return;
  if (body.opensAt !== undefined) throw problem(403, "Instants of one's own are for admins.");
  if (closesAt <= now) throw problem(403, "A day that is over is for admins.");
}
