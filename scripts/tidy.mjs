/**
 * House rules that no linter knows: file sizes, and who may import whom. `pnpm tidy` runs it.
 *
 * Sizes are the habit of a healthy code base, not a wall: half of the files within 100 lines, nine in ten within 250.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";

const MEDIAN_LINES = 100;
const NINE_IN_TEN_LINES = 250;
const MAX_LINES = 400;

const problems = [];
const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { encoding: "utf8" })
  .split("\n")
  .filter((path) => /^(apps|packages)\/.*\.tsx?$/.test(path));
const sources = files.filter((path) => !path.endsWith(".test.ts"));

checkSizes();
checkImports();
checkDependencies();
checkEnvironment();
checkDocuments();
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;

function checkSizes() {
  const sizes = sources
    .map((path) => [readFileSync(path, "utf8").split("\n").length, path])
    .sort((a, b) => a[0] - b[0]);
  const at = (share) => sizes[Math.floor((sizes.length - 1) * share)][0];
  if (at(0.5) > MEDIAN_LINES)
    problems.push(`half of the files are longer than ${at(0.5)} lines (wanted ${MEDIAN_LINES})`);
  if (at(0.9) > NINE_IN_TEN_LINES)
    problems.push(`a tenth is longer than ${at(0.9)} lines (wanted ${NINE_IN_TEN_LINES})`);
  for (const [lines, path] of sizes)
    if (lines > MAX_LINES) problems.push(`${path}: ${lines} lines (at most ${MAX_LINES})`);
}

/**
 * apps → packages → core; core imports nothing of ours; apps never import each other. The simulation runs the services' own
 * functions: it alone reaches into them, in one file.
 */
function checkImports() {
  const apps = new Set(files.filter((path) => path.startsWith("apps/")).map((path) => path.split("/")[1]));
  for (const path of files) {
    const owner = path.split("/")[1];
    const reachesIntoApps = /from "(\.\.\/)+apps\//.test(readFileSync(path, "utf8"));
    if (reachesIntoApps && !path.endsWith(".test.ts") && path !== "packages/simulation/src/product.ts")
      problems.push(`${path}: imports from apps/`);
    for (const [, name] of readFileSync(path, "utf8").matchAll(/from "@votesync\/([\w-]+)/g)) {
      if (apps.has(name)) problems.push(`${path}: imports the app ${name}; apps meet in streams and queues`);
      const isTest = /\.(test|testing)\.ts$/.test(path);
      if (owner === "core" && !isTest) problems.push(`${path}: core imports nothing of ours`);
      if (name === "testkit" && !isTest && !["end-to-end", "bench"].includes(owner)) {
        problems.push(`${path}: only tests import the testkit`);
      }
    }
  }
}

/** What a source imports is a dependency of its package: development dependencies are not there where it runs. */
function checkDependencies() {
  for (const path of sources.filter((path) => !/\.(testing|d)\.tsx?$/.test(path) && !path.startsWith("apps/web/"))) {
    const [kind, owner] = path.split("/");
    const {
      name,
      dependencies = {},
      peerDependencies = {},
      devDependencies = {},
    } = JSON.parse(readFileSync(`${kind}/${owner}/package.json`, "utf8"));
    const brought = { ...dependencies, ...peerDependencies };
    const allowed = owner === "end-to-end" ? { ...brought, ...devDependencies } : brought;
    for (const [, specifier] of readFileSync(path, "utf8").matchAll(
      /^(?:import (?!type)|export )[^"]*?from "([^."][^"]*)"/gms,
    )) {
      const wanted = specifier
        .split("/")
        .slice(0, specifier.startsWith("@") ? 2 : 1)
        .join("/");
      // Code for tests, offered to other packages, runs where jest is.
      if (wanted === "@jest/globals" || specifier.startsWith("node:") || wanted === name || wanted in allowed) continue;
      problems.push(`${path}: imports ${wanted}, which is not in the dependencies of ${name}`);
    }
  }
}

/** The environment is read once, where a process begins, and passed down. */
function checkEnvironment() {
  const mayRead =
    /^(apps\/[\w-]+\/src\/main\.ts|packages\/(cli|local-stack|testkit|bench)\/|packages\/simulation\/src\/main\.ts$)/;
  for (const path of sources.filter(
    (path) => path.includes("/src/") && !mayRead.test(path) && !path.endsWith(".testing.ts"),
  )) {
    if (readFileSync(path, "utf8").includes("process.env"))
      problems.push(`${path}: reads the environment; take it as a parameter`);
  }
}

/** Files that the documents name exist: a story told file by file goes stale first. */
function checkDocuments() {
  const documents = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "docs/runbook.md"];
  for (const document of documents) {
    for (const [, path] of readFileSync(document, "utf8").matchAll(/`((?:apps|packages|infra|docs)\/[\w./-]+)`/g)) {
      if (!existsSync(path)) problems.push(`${document}: names ${path}, which does not exist`);
    }
  }
}
