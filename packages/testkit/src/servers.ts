/** The servers the test run started once (see jest.global-setup.ts); every test brings its own prefix or database. */

function fromGlobalSetup(variable: string): string {
  const value = process.env[variable];
  if (value === undefined) throw new Error(`${variable} is not set: run the tests with "pnpm test"`);
  return value;
}

export const TEST_SERVER_VARIABLES = {
  redis: "VOTESYNC_TEST_REDIS_URL",
  postgres: "VOTESYNC_TEST_DATABASE_URL",
  mongo: "VOTESYNC_TEST_MONGO_URL",
} as const;

export const testRedisUrl = () => fromGlobalSetup(TEST_SERVER_VARIABLES.redis);
export const testMongoUrl = () => fromGlobalSetup(TEST_SERVER_VARIABLES.mongo);
export const testPostgresUrl = () => fromGlobalSetup(TEST_SERVER_VARIABLES.postgres);
