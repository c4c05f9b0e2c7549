import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** `vite dev` borrows the API of a running `pnpm start`. */
const API = "http://localhost:3000";

export default defineConfig({
  plugins: [react()],
  // The served page allows no inline script; browsers that know `modulepreload` need no polyfill.
  build: { modulePreload: { polyfill: false }, assetsInlineLimit: 0 },
  server: { proxy: { "/api": API, "/config.json": API } },
});
