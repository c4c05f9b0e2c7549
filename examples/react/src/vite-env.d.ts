interface ImportMetaEnv {
  readonly VITE_VOTESYNC_URL?: string;
}
