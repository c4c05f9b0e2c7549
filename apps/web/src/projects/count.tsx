import { useState } from "react";

/** Four digits stand together; from five on they are grouped. */
const NUMBERS = new Intl.NumberFormat("en", { useGrouping: "min2" });

/** A number that is briefly highlighted when it changes. */
export function Count({ value, testId }: { value: number; testId: string }) {
  const [shown, setShown] = useState({ value, changes: 0, moved: "" });
  if (shown.value !== value) {
    setShown({ value, changes: shown.changes + 1, moved: value > shown.value ? "up" : "down" });
  }
  return (
    <span className="count" data-testid={testId}>
      {/* A new key is a new element, whose animation starts anew. */}
      <span key={shown.changes} className="count-value" data-moved={shown.moved}>
        {NUMBERS.format(value)}
      </span>
    </span>
  );
}
