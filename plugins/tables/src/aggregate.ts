// Counts, sums, means and extremes, for each group of rows.

import { ToolError } from "@portcullis/plugin";
import { columnIndex, readTable, type Table, type TableArgs } from "./table.ts";
import { isEmpty, numberOf, Sum, typeOf } from "./values.ts";

/** One number to calculate for each group. */
export interface Measure {
  op: "count" | "sum" | "mean" | "min" | "max";
  column?: string;
  as?: string;
}

export interface AggregateArgs extends TableArgs {
  group_by?: string[];
  measures: Measure[];
  limit?: number;
}

export interface Aggregated {
  columns: string[];
  rows: (string | number | null)[][];
  groups: number;
  total: number;
  truncated: boolean;
}

type Result = string | number | null;

/** The tool `aggregate`. */
export function aggregate({ group_by = [], measures, limit = 100, ...given }: AggregateArgs): Aggregated {
  const table = readTable(given);
  const keys = group_by.map((name) => columnIndex(table, name));
  const planned = measures.map((measure, index) => plan(table, measure, `measures[${index}]`));
  const columns = [...group_by, ...planned.map(({ name }) => name)];
  const twice = columns.find((name, index) => columns.indexOf(name) !== index);
  if (twice !== undefined) throw new ToolError(`Two results are named \`${twice}\`. Give one of the measures another name with \`as\`.`);

  const groups = new Map<string, { key: string[]; rows: string[][] }>();
  // The whole table is a group even when it has no rows: its count is 0, which is an answer.
  if (keys.length === 0) groups.set("[]", { key: [], rows: [] });
  for (const row of table.rows) {
    const key = keys.map((at) => row[at]!.trim());
    const id = JSON.stringify(key);
    const group = groups.get(id);
    if (group === undefined) groups.set(id, { key, rows: [row] });
    else group.rows.push(row);
  }
  const shown = [...groups.values()].slice(0, limit);
  return {
    columns,
    rows: shown.map(({ key, rows }): Result[] => [...key, ...planned.map(({ calculate }) => calculate(rows))]),
    groups: groups.size,
    total: table.rows.length,
    truncated: groups.size > limit,
  };
}

interface Plan {
  name: string;
  calculate(rows: string[][]): Result;
}

function plan(table: Table, { op, column, as }: Measure, place: string): Plan {
  if (column === undefined) {
    if (op !== "count") throw new ToolError(`${place}: \`${op}\` needs a \`column\`. Only \`count\` works without one.`);
    return { name: as ?? "count", calculate: (rows) => rows.length };
  }
  const at = columnIndex(table, column);
  const name = as ?? `${op}_${column}`;
  const valuesOf = (rows: string[][]) => rows.map((row) => row[at]!.trim()).filter((cell) => !isEmpty(cell));
  if (op === "count") return { name, calculate: (rows) => valuesOf(rows).length };

  const type = typeOf(table.rows.map((row) => row[at]!));
  if (type === "integer" || type === "number" || type === "empty") {
    return { name, calculate: (rows) => calculateNumbers(op, valuesOf(rows).map((cell) => numberOf(cell)!)) };
  }
  if (op === "min" || op === "max") {
    const first = (a: string, b: string) => ((op === "min" ? a < b : a > b) ? a : b);
    return { name, calculate: (rows) => valuesOf(rows).reduce<string | null>((best, cell) => (best === null ? cell : first(best, cell)), null) };
  }
  const row = table.rows.findIndex((cells) => !isEmpty(cells[at]!) && numberOf(cells[at]!) === undefined);
  throw new ToolError(
    `${place}: \`${op}\` needs numbers, and column \`${column}\` has \`${table.rows[row]![at]!.slice(0, 80)}\` in row ${row + 2}. ` +
      "Leave such rows out of the CSV, or write the numbers plainly, such as 1234.5 without separators and units.",
  );
}

function calculateNumbers(op: "sum" | "mean" | "min" | "max", numbers: number[]): number | null {
  if (op === "sum" || op === "mean") {
    const sum = new Sum();
    numbers.forEach((number) => sum.add(number));
    // Nothing adds up to 0, but has no mean.
    return op === "sum" ? sum.value : numbers.length === 0 ? null : sum.value / numbers.length;
  }
  // Not Math.min(...numbers): arguments of a call are bounded, tables are larger.
  return numbers.reduce<number | null>((best, n) => (best === null || (op === "min" ? n < best : n > best) ? n : best), null);
}
