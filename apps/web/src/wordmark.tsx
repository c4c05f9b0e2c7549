/** Two chevrons that share an edge: up and down, in step. */
export function Wordmark() {
  return (
    <p className="wordmark">
      <svg viewBox="0 0 32 32" aria-hidden="true">
        <path className="wordmark-up" d="M5 16.500 11.500 10l6.500 6.500" />
        <path className="wordmark-down" d="m14 15.500 6.500 6.500 6.500-6.500" />
      </svg>
      votesync
    </p>
  );
}
