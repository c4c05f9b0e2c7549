/** Projects: the ordinary reads and writes, through Prisma. Counters are as of the last applied batch. */
import { hotRank, type ProjectCounts, type ProjectRecord, type ProjectSort } from "@votesync/core";
import type pg from "pg";
import { Prisma, type PrismaClient, type Project } from "./generated/client.js";

export class DuplicateProjectError extends Error {
  override readonly name = "DuplicateProjectError";
  constructor(readonly projectId: string) {
    super("a project with this id exists");
  }
}

const UNIQUE_VIOLATION = "P2002";

/** @throws {DuplicateProjectError} */
export async function createProject(
  prisma: PrismaClient,
  project: { id: string; title: string; url: string | null; boardId: string | null; ownerId: string },
  now: Date,
): Promise<ProjectRecord> {
  const rankHot = hotRank({ upvotes: 0, downvotes: 0 }, now.getTime());
  try {
    return toRecord(await prisma.project.create({ data: { ...project, createdAt: now, rankHot } }));
  } catch (error) {
    if (error instanceof Prisma.PrismaClientKnownRequestError && error.code === UNIQUE_VIOLATION) {
      throw new DuplicateProjectError(project.id);
    }
    throw error;
  }
}

/** The projects that exist, in the order asked for. */
export async function findProjects(prisma: PrismaClient, ids: readonly string[]): Promise<ProjectRecord[]> {
  const found = await prisma.project.findMany({ where: { id: { in: [...ids] } } });
  const byId = new Map(found.map((project) => [project.id, toRecord(project)]));
  return ids.flatMap((id) => byId.get(id) ?? []);
}

/** Where the next page of a list begins: after this project, which had this sort key. */
export interface ProjectCursor {
  sort: ProjectSort;
  /** The value of the sort's column; milliseconds since 1970 for `new`. */
  key: number;
  id: string;
}

const SORT_COLUMNS = { hot: "rankHot", top: "rankTop", best: "rankBest", new: "createdAt" } as const;

/** One page of projects, best first; ties by id, descending. */
export async function listProjects(
  prisma: PrismaClient,
  page: { sort: ProjectSort; boardId?: string | undefined; after?: ProjectCursor | undefined; limit: number },
): Promise<{ projects: ProjectRecord[]; next: ProjectCursor | null }> {
  const column = SORT_COLUMNS[page.sort];
  const rows = await prisma.project.findMany({
    where: {
      ...(page.boardId === undefined ? {} : { boardId: page.boardId }),
      ...(page.after === undefined ? {} : { OR: pastCursor(page.after) }),
    },
    orderBy: [{ [column]: "desc" }, { id: "desc" }],
    take: page.limit + 1,
  });
  const last = rows.length > page.limit ? rows[page.limit - 1] : undefined;
  const next = last === undefined ? null : { sort: page.sort, key: Number(last[column]), id: last.id };
  return { projects: rows.slice(0, page.limit).map(toRecord), next };
}

function pastCursor({ sort, key, id }: ProjectCursor): Prisma.ProjectWhereInput[] {
  const column = SORT_COLUMNS[sort];
  const value = sort === "new" ? new Date(key) : key;
  return [{ [column]: { lt: value } }, { [column]: value, id: { lt: id } }];
}

function toRecord(row: Project): ProjectRecord {
  const { id, title, url, ownerId, boardId, upOnly, createdAt } = row;
  return { id, title, url, ownerId, boardId, upOnly, createdAt, ...currentCounts(row) };
}

/** A period whose instant has passed is over, though nobody has ended it here yet. */
function currentCounts({ upvotes, downvotes, version, opensAt, closesAt }: Project): ProjectCounts {
  const nowMs = Date.now();
  const over = [opensAt, closesAt].filter((instant) => instant !== null && instant.getTime() <= nowMs).length;
  if (over > 0) return { upvotes: 0, downvotes: 0, version: Number(version) + over };
  return { upvotes: Number(upvotes), downvotes: Number(downvotes), version: Number(version) };
}

export async function projectExists(pool: pg.Pool, id: string): Promise<boolean> {
  const { rowCount } = await pool.query("SELECT FROM projects WHERE id = $1", [id]);
  return rowCount === 1;
}
