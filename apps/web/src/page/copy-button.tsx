import { useState } from "react";

export function CopyButton({ text, label }: { text: string; label: string }) {
  const [copied, setCopied] = useState(false);
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => setCopied(true),
      // Not allowed here: the text stands beside the button.
      () => undefined,
    );
  return (
    <button type="button" className="button" onClick={() => void copy()}>
      {copied ? "Copied" : label}
    </button>
  );
}
