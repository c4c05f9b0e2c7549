import type { ProjectSort } from "./project-list.js";

const SORTS: [sort: ProjectSort, name: string, meaning: string][] = [
  ["hot", "Hot", "votes weighed against age"],
  ["top", "Top", "most votes first"],
  ["new", "New", "latest first"],
  ["best", "Best", "surest approval first"],
];

/** The active one may be clicked too: it reads the list anew. */
export function SortSwitch({ sort, onSort }: { sort: ProjectSort; onSort(sort: ProjectSort): void }) {
  return (
    <fieldset className="sorts">
      <legend className="visually-hidden">Order of the list</legend>
      {SORTS.map(([value, name, meaning]) => (
        <button key={value} type="button" title={meaning} aria-pressed={value === sort} onClick={() => onSort(value)}>
          {name}
        </button>
      ))}
    </fieldset>
  );
}
