import { Count } from "./count.js";

/** How the votes are divided: both counts, and a bar in their proportion. */
export function Ballot({ upvotes, downvotes }: { upvotes: number; downvotes: number }) {
  const all = upvotes + downvotes;
  return (
    <div className="ballot">
      <p className="ballot-counts">
        <span className="ballot-up">
          <Count value={upvotes} testId="upvotes" /> up
        </span>
        <span className="ballot-down">
          <Count value={downvotes} testId="downvotes" /> down
        </span>
      </p>
      <div className="ballot-bar" data-empty={all === 0} aria-hidden="true">
        {upvotes > 0 && <div className="ballot-bar-up" style={{ flexGrow: upvotes }} />}
        {downvotes > 0 && <div className="ballot-bar-down" style={{ flexGrow: downvotes }} />}
      </div>
    </div>
  );
}
