import { useBoard, VoteButtons } from "@votesync/client/react";

/** The queue of a board, in the order everybody sees. */
export function Queue({ boardId }: { boardId: string }) {
  const board = useBoard(boardId);
  if (board === undefined) return <p>Loading…</p>;
  if (board === null) return <p>There is no board {boardId} yet.</p>;
  return (
    <section aria-label={board.title}>
      <h1>{board.title}</h1>
      <p>Now: {board.activeStream?.title ?? "nothing"}</p>
      <ol>
        {board.streams.map(({ id, title }) => (
          <li key={id}>
            {title} <VoteButtons projectId={id} label={title} />
          </li>
        ))}
      </ol>
    </section>
  );
}
