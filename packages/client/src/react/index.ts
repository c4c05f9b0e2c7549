export { useVoteClient, VoteClientProvider } from "./provider.js";
export { useBoard } from "./use-board.js";
export { useLeaderboard } from "./use-leaderboard.js";
export { useProjects } from "./use-projects.js";
export { useReadable } from "./use-readable.js";
export { type RealTimeListeners, useRealTimeUpdates } from "./use-real-time-updates.js";
export { type UseVotes, useVotes } from "./use-votes.js";
export { VoteButtons, type VoteButtonsProps } from "./vote-buttons.js";
