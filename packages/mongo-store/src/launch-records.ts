/**
 * What MongoDB holds of launch days. Every document has a meaningful `_id`, so each write is an upsert by id: repeating one,
 * or one that was given up and lands late, changes nothing. Plain operators only: any server that speaks MongoDB will do.
 */
import mongoose, { type Connection, type Model } from "mongoose";

/** `<date>:<app id>`: an id of a launch app or of its backup. */
export const launchKey = (date: string, appId: string) => `${date}:${appId}`;

/** An app on a launch day, as people see it. */
export interface LaunchAppRecord {
  _id: string;
  appId: string;
  name: string;
  ownerId: string;
  /** `YYYY-MM-DD` */
  launchDate: string;
  opensAt: Date;
  closesAt: Date;
  createdAt: Date;
  /** The final count; 0 before. */
  likes: number;
  /** Equal counts share a rank. `null` before the day is final. */
  rank: number | null;
  /** Since when it had that many votes; `null` when unknown, or none were given. */
  reachedAt: Date | null;
  finalizedAt: Date | null;
  /** The source of the votes has let go of them. */
  votingFlushed: boolean;
}

/** What an app's record is made of again when it was lost. */
export type LaunchAppIdentity = Pick<LaunchAppRecord, "name" | "ownerId" | "opensAt" | "closesAt" | "createdAt">;

/** The result of one app, written before anything is flushed. Never changed. */
export interface VoteBackupRecord {
  _id: string;
  appId: string;
  launchDate: string;
  votes: number;
  rank: number;
  reachedAt: Date | null;
  /** `likes` of the app's record when the backup was made. */
  originalLikes: number;
  backedUpAt: Date;
  app: LaunchAppIdentity;
  /** Over all that counts in it. */
  checksum: string;
}

/** The steps of a day's end, in their order; the name says what has to be done next. */
export const FINALIZATION_PHASES = [
  "find",
  "snapshot",
  "backup",
  "verify",
  "flush",
  "count",
  "announce",
  "final",
] as const;
export type FinalizationPhase = (typeof FINALIZATION_PHASES)[number];

export interface FlushRecord {
  state: "pending" | "done" | "failed";
  attempts: number;
  lastError: string | null;
  requestedAt: Date;
  doneAt: Date | null;
}

/** How far a day has come. One document per date. */
export interface FinalizationRecord {
  /** The date. */
  _id: string;
  phase: FinalizationPhase;
  startedAt: Date;
  /** How often the work was taken up. */
  attempts: number;
  lastError: { phase: FinalizationPhase; message: string; at: Date } | null;
  source: "votesync" | "external" | null;
  /** When the source gave the counts. */
  countedAt: Date | null;
  apps: number | null;
  totalVotes: number | null;
  top3: string[];
  /** Digest of the sorted results, see `sealOf`. */
  seal: string | null;
  flush: FlushRecord | null;
  announcedAt: Date | null;
  finalizedAt: Date | null;
  /** Their time was up; from then on there is nothing to recover from. */
  backupsRemovedAt: Date | null;
}

const WRITE_CONCERN = { w: "majority", journal: true } as const;
const date = { type: String, required: true } as const;
const moment = { type: Date, default: null } as const;

const launchAppSchema = new mongoose.Schema(
  {
    _id: String,
    appId: { type: String, required: true },
    name: { type: String, required: true },
    ownerId: { type: String, required: true },
    launchDate: date,
    opensAt: { type: Date, required: true },
    closesAt: { type: Date, required: true },
    createdAt: { type: Date, required: true },
    likes: { type: Number, required: true },
    rank: { type: Number, default: null },
    reachedAt: moment,
    finalizedAt: moment,
    votingFlushed: { type: Boolean, required: true },
  },
  { versionKey: false, writeConcern: WRITE_CONCERN },
).index({ launchDate: 1, _id: 1 });

const voteBackupSchema = new mongoose.Schema(
  {
    _id: String,
    appId: { type: String, required: true },
    launchDate: date,
    votes: { type: Number, required: true },
    rank: { type: Number, required: true },
    reachedAt: moment,
    originalLikes: { type: Number, required: true },
    backedUpAt: { type: Date, required: true },
    app: {
      name: String,
      ownerId: String,
      opensAt: Date,
      closesAt: Date,
      createdAt: Date,
    },
    checksum: { type: String, required: true },
  },
  { versionKey: false, writeConcern: WRITE_CONCERN },
).index({ launchDate: 1, _id: 1 });

const finalizationSchema = new mongoose.Schema(
  {
    _id: String,
    phase: { type: String, enum: FINALIZATION_PHASES, required: true },
    startedAt: { type: Date, required: true },
    attempts: { type: Number, default: 0 },
    lastError: { type: { phase: String, message: String, at: Date }, default: null, _id: false },
    source: { type: String, default: null },
    countedAt: moment,
    apps: { type: Number, default: null },
    totalVotes: { type: Number, default: null },
    top3: { type: [String], default: [] },
    seal: { type: String, default: null },
    flush: {
      type: { state: String, attempts: Number, lastError: String, requestedAt: Date, doneAt: Date },
      default: null,
      _id: false,
    },
    announcedAt: moment,
    finalizedAt: moment,
    backupsRemovedAt: moment,
  },
  { versionKey: false, writeConcern: WRITE_CONCERN },
);

export interface LaunchModels {
  apps: Model<LaunchAppRecord>;
  backups: Model<VoteBackupRecord>;
  finalizations: Model<FinalizationRecord>;
}

/** The models of one connection. Indexes are made by `votesync migrate`. */
export function launchModels(connection: Connection): LaunchModels {
  const model = <T>(name: string, schema: mongoose.Schema, collection: string) =>
    (connection.models[name] ?? connection.model(name, schema, collection)) as unknown as Model<T>;
  return {
    apps: model<LaunchAppRecord>("LaunchApp", launchAppSchema, "launch_apps"),
    backups: model<VoteBackupRecord>("VoteBackup", voteBackupSchema, "vote_backups"),
    finalizations: model<FinalizationRecord>("LaunchFinalization", finalizationSchema, "launch_finalizations"),
  };
}
