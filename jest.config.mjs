// Jest as native ESM: swc turns TypeScript into ES modules, nothing is bundled, and other packages of the
// workspace are used as they are built (`dist`), so tests run what users run.
export default {
  testMatch: ["<rootDir>/{apps,packages,infra}/**/*.test.ts"],
  testPathIgnorePatterns: ["/node_modules/", "/dist/"],
  modulePathIgnorePatterns: ["<rootDir>/.data/"],
  testEnvironment: "node",
  extensionsToTreatAsEsm: [".ts"],
  moduleNameMapper: { "^(\\.{1,2}/.*)\\.js$": "$1" },
  transform: {
    "^.+\\.ts$": [
      "@swc/jest",
      { jsc: { target: "es2023", parser: { syntax: "typescript" } }, module: { type: "es6" }, sourceMaps: "inline" },
    ],
  },
  globalSetup: "<rootDir>/jest.global-setup.ts",
  globalTeardown: "<rootDir>/jest.global-teardown.ts",
  // What takes ten seconds alone takes a minute beside another browser and another storm of votes on two cores.
  testTimeout: 120_000,
  maxWorkers: 2,
};
