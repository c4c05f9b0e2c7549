export { freePort, PortTakenError } from "./free-port.js";
export type { Log } from "./log.js";
export { startMongoServer } from "./mongo-server.js";
export { startPostgresServer } from "./postgres-server.js";
export { DataFolderInUseError } from "./process-record.js";
export { type RedisSetup, startRedisServer } from "./redis-server.js";
export { type ServerProcess, type ServerSetup, type Store, StoreUnavailableError } from "./server-setup.js";
export { type RunningServers, type StoresSetup, startServers } from "./start-servers.js";
