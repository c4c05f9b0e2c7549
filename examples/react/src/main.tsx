import { createVoteClient, guestToken } from "@votesync/client";
import { VoteClientProvider } from "@votesync/client/react";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.js";

const url = import.meta.env.VITE_VOTESYNC_URL ?? "http://localhost:3000";
/** One for the page, made outside of components. A site with accounts gives `token: () => fetchMyToken()`. */
const client = createVoteClient({ url, token: guestToken(url) });

createRoot(document.getElementById("root") as HTMLElement).render(
  <StrictMode>
    <VoteClientProvider client={client}>
      <App boardId="friday" />
    </VoteClientProvider>
  </StrictMode>,
);
