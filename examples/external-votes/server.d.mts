import type { Server } from "node:http";

export function createVotesServer(secret: string, votes: Map<string, Map<string, number>>): Server;
