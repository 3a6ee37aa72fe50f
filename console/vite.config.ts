import { defineConfig } from "vitest/config";

/** Where `npm run dev` finds a region: the mock, unless told otherwise. */
const region = process.env.BRUME_ENDPOINT ?? "http://127.0.0.1:4577";

export default defineConfig({
  base: "./",
  build: {
    target: "es2022",
    modulePreload: false,
    // Names stay the same from build to build: the files are committed and become part of the program.
    rollupOptions: {
      output: { entryFileNames: "assets/index.js", assetFileNames: "assets/index[extname]" },
    },
  },
  test: { include: ["tests/model/*.test.ts"] },
  server: {
    proxy: {
      "/api": { target: region, rewrite: (path) => `/_brume${path}` },
      "/mail": { target: region, rewrite: (path) => `/_brume${path}` },
    },
  },
});
