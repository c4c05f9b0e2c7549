import { Router, static as serveStatic } from "express";
// The package's root would load the whole user interface into this process.
import absolutePath from "swagger-ui-dist/absolute-path.js";

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>votesync API</title>
<link rel="icon" type="image/svg+xml" href="/favicon.svg">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`;

/** Of its own file: the page's policy lets no inline script run. */
const START = `SwaggerUIBundle({ url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true });\n`;

/** `/docs`: the API to read and to try, from `/openapi.json`. */
export function docsRoutes(): Router {
  const router = Router();
  router.get("/", (_req, res) => void res.type("html").send(PAGE));
  router.get("/start.js", (_req, res) => void res.type("text/javascript").send(START));
  router.use(serveStatic(absolutePath(), { index: false, redirect: false }));
  return router;
}
