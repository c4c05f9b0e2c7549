import { requestJson } from "../http/request.js";
import type { Counts } from "../votes/project-votes.js";

export type ProjectSort = "hot" | "top" | "new" | "best";

export interface Project extends Counts {
  id: string;
  title: string;
  url: string | null;
  created_at: string;
}

export interface ProjectPage {
  projects: Project[];
  next_cursor: string | null;
}

export interface NewProject {
  title: string;
  url?: string;
}

const PAGE_SIZE = 20;

/** `GET /api/projects` */
export function listProjects(sort: ProjectSort, cursor: string | null): Promise<ProjectPage> {
  const query = new URLSearchParams({ sort, limit: String(PAGE_SIZE) });
  if (cursor !== null) query.set("cursor", cursor);
  return requestJson<ProjectPage>(`/api/projects?${query}`);
}

/** `GET /api/projects?ids=`, in this order; at most 100 */
export function listProjectsById(ids: readonly string[]): Promise<ProjectPage> {
  return requestJson<ProjectPage>(`/api/projects?${new URLSearchParams({ ids: ids.join(",") })}`);
}

/** `POST /api/projects` */
export async function createProject(token: string | undefined, body: NewProject): Promise<Project> {
  const answer = await requestJson<Project | { data: Project }>("/api/projects", { method: "POST", token, body });
  return "data" in answer ? answer.data : answer;
}
