import { connectPostgres, createProject, listProjects, postgresConfigShape } from "@votesync/postgres-store";
import { parseConfig } from "@votesync/service-kit";
import { Command } from "commander";
import { z } from "zod";
import { stderrLog } from "./stderr-log.js";

const OWNER = "demo-owner";
const DEMO_PROJECTS = [
  { id: "dark-mode", title: "Dark mode for the whole app" },
  { id: "offline-sync", title: "Work offline, sync when back" },
  { id: "csv-export", title: "Export every table as CSV" },
  { id: "keyboard-shortcuts", title: "Keyboard shortcuts for power users" },
  { id: "public-api", title: "A public API with webhooks" },
];

/** `seed`: a few projects to try the votes on, only into a database that has none. */
export function seedCommand(): Command {
  return new Command("seed").description("put a small demo into an empty database").action(async () => {
    const config = parseConfig(z.object(postgresConfigShape), process.env);
    const { prisma, close } = connectPostgres({ url: config.DATABASE_URL, name: "votesync seed", log: stderrLog });
    try {
      const { projects } = await listProjects(prisma, { sort: "new", limit: 1 });
      if (projects.length > 0) return;
      for (const project of DEMO_PROJECTS) {
        await createProject(prisma, { ...project, url: null, boardId: null, ownerId: OWNER }, new Date());
      }
      process.stdout.write(`made ${DEMO_PROJECTS.length} demo projects\n`);
    } finally {
      await close();
    }
  });
}
