// What is in a table: for each column its type, how many values, how many different ones, and the range.

import { readTable, type TableArgs } from "./table.ts";
import { isEmpty, numberOf, Sum, typeOf, type ColumnType } from "./values.ts";

/** One column. `min` and `max` are there for numbers and dates, `mean` for numbers. */
export interface ColumnDescription {
  name: string;
  type: ColumnType;
  count: number;
  empty: number;
  distinct: number;
  min?: number | string;
  max?: number | string;
  mean?: number;
}

export interface Description {
  rows: number;
  columns: ColumnDescription[];
}

/** The tool `describe`. */
export function describe(args: TableArgs): Description {
  const { columns, rows } = readTable(args);
  return { rows: rows.length, columns: columns.map((name, at) => describeColumn(name, rows.map((row) => row[at]!))) };
}

function describeColumn(name: string, cells: string[]): ColumnDescription {
  const values = cells.filter((cell) => !isEmpty(cell)).map((cell) => cell.trim());
  const type = typeOf(values);
  const known: ColumnDescription = {
    name,
    type,
    count: values.length,
    empty: cells.length - values.length,
    distinct: new Set(values).size,
  };
  if (type === "integer" || type === "number") {
    const sum = new Sum();
    let [min, max] = [Infinity, -Infinity];
    for (const value of values) {
      const number = numberOf(value)!;
      sum.add(number);
      if (number < min) min = number;
      if (number > max) max = number;
    }
    return { ...known, min, max, mean: sum.value / values.length };
  }
  if (type === "date") {
    // ISO dates of one form sort as text.
    const [min, max] = values.reduce(([low, high], value) => [value < low ? value : low, value > high ? value : high], [
      values[0]!,
      values[0]!,
    ]);
    return { ...known, min, max };
  }
  return known;
}
