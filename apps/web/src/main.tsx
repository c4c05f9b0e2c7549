import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.js";
import { Boot, reloadOnNewToken } from "./boot.js";
import "./styles/tokens.css";
import "./styles/page.css";
import "./styles/form.css";
import "./styles/project.css";
import "./styles/launch.css";
import "./styles/jam.css";
import "./styles/leaderboard.css";
import "./styles/operator.css";
import "./styles/sync.css";

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");

const boot = new Boot();
reloadOnNewToken();
createRoot(root).render(
  <StrictMode>
    <App boot={boot} />
  </StrictMode>,
);
void boot.start();
