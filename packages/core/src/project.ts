import { hotRank, wilsonLowerBound } from "./ranking.js";
import { type VoteCounts, voteCount } from "./vote.js";

/** A project's counters at one version. */
export interface ProjectCounts extends VoteCounts {
  version: number;
}

/** A project as it stands in PostgreSQL. */
export interface ProjectRecord extends ProjectCounts {
  id: string;
  title: string;
  url: string | null;
  ownerId: string;
  boardId: string | null;
  /** A launch: nobody votes against it. */
  upOnly: boolean;
  createdAt: Date;
}

/** A project as the API shows it. Everything derived from the counts is derived from the freshest ones known. */
export function projectView(project: ProjectRecord, counts: ProjectCounts = project) {
  return {
    id: project.id,
    title: project.title,
    url: project.url,
    owner_id: project.ownerId,
    board_id: project.boardId,
    up_only: project.upOnly,
    upvotes: counts.upvotes,
    downvotes: counts.downvotes,
    voteCount: voteCount(counts),
    score: wilsonLowerBound(counts),
    hot: hotRank(counts, project.createdAt.getTime()),
    created_at: project.createdAt.toISOString(),
    version: counts.version,
  };
}
export type ProjectView = ReturnType<typeof projectView>;

/** What a socket message or a snapshot says of a project. */
export function countsView(id: string, counts: ProjectCounts) {
  const { upvotes, downvotes, version } = counts;
  return { id, upvotes, downvotes, voteCount: voteCount(counts), version };
}
