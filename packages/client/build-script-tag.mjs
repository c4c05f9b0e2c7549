// The web component as one file for one script tag, and what bundles weigh: dist/bundles/*.js, minified.
import { fileURLToPath } from "node:url";
import { build } from "vite";

const path = (file) => fileURLToPath(new URL(file, import.meta.url));
const BUNDLES = [
  { entry: "dist/vote-button.js", name: "vote-button", format: "iife", external: [] },
  { entry: "dist/index.js", name: "client", format: "es", external: [] },
  { entry: "dist/react/index.js", name: "react", format: "es", external: ["react", "react/jsx-runtime"] },
];

for (const { entry, name, format, external } of BUNDLES) {
  await build({
    configFile: false,
    logLevel: "error",
    define: { "process.env.NODE_ENV": '"production"' },
    build: {
      outDir: path("dist/bundles"),
      emptyOutDir: false,
      minify: true,
      target: "es2022",
      lib: { entry: path(entry), name: "votesync", formats: [format], fileName: () => `${name}.js` },
      rollupOptions: { external },
    },
  });
}
