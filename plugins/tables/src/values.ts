// What a cell holds. A CSV says nothing of types, so they are read from how the values are written.

/** The types of a column, from narrow to wide. */
export type ColumnType = "integer" | "number" | "boolean" | "date" | "text" | "empty";

const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
const DATE = /^\d{4}-(\d{2})-(\d{2})(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/;

/** A cell without a value. */
export function isEmpty(cell: string): boolean {
  return cell.trim() === "";
}

/**
 * The number that a cell holds. None for what only looks like one: `007` is a code that would lose its zeros, and an
 * integer beyond 2^53 would lose its last digits.
 */
export function numberOf(cell: string): number | undefined {
  const text = cell.trim();
  if (!NUMBER.test(text) || /^[+-]?0\d/.test(text)) return undefined;
  const value = Number(text);
  if (!Number.isFinite(value)) return undefined;
  return /^[+-]?\d+$/.test(text) && !Number.isSafeInteger(value) ? undefined : value;
}

/** The narrowest type that every value has that is not empty. */
export function typeOf(cells: Iterable<string>): ColumnType {
  const possible = new Set<ColumnType>(["integer", "number", "boolean", "date"]);
  let any = false;
  for (const cell of cells) {
    if (isEmpty(cell)) continue;
    any = true;
    const text = cell.trim();
    const number = numberOf(text);
    if (number === undefined) {
      possible.delete("integer");
      possible.delete("number");
    } else if (!/^[+-]?\d+$/.test(text)) {
      possible.delete("integer");
    }
    if (!/^(?:true|false)$/i.test(text)) possible.delete("boolean");
    if (!isDate(text)) possible.delete("date");
    if (possible.size === 0) return "text";
  }
  return any ? [...possible][0]! : "empty";
}

function isDate(text: string): boolean {
  const parts = DATE.exec(text);
  return parts !== null && between(parts[1], 1, 12) && between(parts[2], 1, 31);
}

function between(digits: string | undefined, low: number, high: number): boolean {
  const value = Number(digits);
  return value >= low && value <= high;
}

/** A sum that does not lose small values beside large ones (Neumaier). */
export class Sum {
  #sum = 0;
  #lost = 0;

  add(value: number): void {
    const next = this.#sum + value;
    this.#lost += Math.abs(this.#sum) >= Math.abs(value) ? this.#sum - next + value : value - next + this.#sum;
    this.#sum = next;
  }

  get value(): number {
    return this.#sum + this.#lost;
  }
}
