// The rows that fit conditions.

import { ToolError } from "@portcullis/plugin";
import { columnIndex, readTable, type Table, type TableArgs } from "./table.ts";
import { isEmpty, numberOf } from "./values.ts";

type Value = string | number | boolean;

/** A condition on one column. */
export interface Condition {
  column: string;
  op: "eq" | "ne" | "lt" | "le" | "gt" | "ge" | "contains" | "starts_with" | "ends_with" | "in" | "empty" | "not_empty";
  value?: Value;
  values?: Value[];
}

export interface FilterArgs extends TableArgs {
  where?: Condition[];
  match?: "all" | "any";
  columns?: string[];
  limit?: number;
  offset?: number;
}

export interface Filtered {
  columns: string[];
  rows: string[][];
  matched: number;
  total: number;
  truncated: boolean;
}

/** The tool `filter`. */
export function filter({ where = [], match = "all", columns, limit = 100, offset = 0, ...given }: FilterArgs): Filtered {
  const table = readTable(given);
  const places = columns?.map((name) => columnIndex(table, name)) ?? table.columns.map((_, index) => index);
  const tests = where.map((condition, index) => rowTest(table, condition, index));
  const fits =
    tests.length === 0
      ? () => true
      : match === "all"
        ? (row: string[]) => tests.every((test) => test(row))
        : (row: string[]) => tests.some((test) => test(row));
  const matching = table.rows.filter(fits);
  return {
    columns: places.map((at) => table.columns[at]!),
    rows: matching.slice(offset, offset + limit).map((row) => places.map((at) => row[at]!)),
    matched: matching.length,
    total: table.rows.length,
    truncated: matching.length > offset + limit,
  };
}

/** Whether a row fits. Throws what is wrong with the condition before any row is looked at. */
function rowTest(table: Table, condition: Condition, index: number): (row: string[]) => boolean {
  const at = columnIndex(table, condition.column);
  const test = cellTest(condition, `where[${index}]`);
  return (row) => test(row[at]!);
}

function cellTest({ op, value, values }: Condition, place: string): (cell: string) => boolean {
  if (op !== "in" && values !== undefined) {
    throw new ToolError(`${place}: \`values\` is only for \`in\`; \`${op}\` ${needsValue(op) ? "takes `value`" : "takes nothing"}.`);
  }
  if (op === "in") {
    if (values === undefined || value !== undefined) throw new ToolError(`${place}: \`in\` takes \`values\`, a list, and no \`value\`.`);
    const tests = values.map(equals);
    return (cell) => tests.some((test) => test(cell));
  }
  if (!needsValue(op)) {
    if (value !== undefined) throw new ToolError(`${place}: \`${op}\` takes no \`value\`.`);
    return op === "empty" ? isEmpty : (cell) => !isEmpty(cell);
  }
  if (value === undefined) throw new ToolError(`${place}: \`${op}\` needs a \`value\` to compare with.`);
  switch (op) {
    case "eq":
      return equals(value);
    case "ne": {
      const same = equals(value);
      return (cell) => !same(cell);
    }
    case "lt":
      return ordered(value, place, (order) => order < 0);
    case "le":
      return ordered(value, place, (order) => order <= 0);
    case "gt":
      return ordered(value, place, (order) => order > 0);
    case "ge":
      return ordered(value, place, (order) => order >= 0);
    default: {
      const part = String(value).toLowerCase();
      if (op === "contains") return (cell) => cell.toLowerCase().includes(part);
      if (op === "starts_with") return (cell) => cell.trim().toLowerCase().startsWith(part);
      return (cell) => cell.trim().toLowerCase().endsWith(part);
    }
  }
}

function needsValue(op: Condition["op"]): boolean {
  return op !== "empty" && op !== "not_empty" && op !== "in";
}

function equals(value: Value): (cell: string) => boolean {
  if (typeof value === "number") return (cell) => numberOf(cell) === value;
  if (typeof value === "boolean") return (cell) => cell.trim().toLowerCase() === String(value);
  const text = value.trim();
  return (cell) => cell.trim() === text;
}

/** Compares by number with a number, by text with a text. A cell that cannot be compared fits no order. */
function ordered(value: Value, place: string, fits: (order: number) => boolean): (cell: string) => boolean {
  if (typeof value === "boolean") {
    throw new ToolError(`${place}: true and false have no order. Use \`eq\` or \`ne\`, or give a number or a text.`);
  }
  if (typeof value === "number") {
    return (cell) => {
      const number = numberOf(cell);
      return number !== undefined && fits(number - value);
    };
  }
  const text = value.trim();
  // By text "9" would be above "10": nobody who writes a number in quotes means that.
  if (numberOf(text) !== undefined) return ordered(numberOf(text)!, place, fits);
  return (cell) => {
    const own = cell.trim();
    return own !== "" && fits(own < text ? -1 : own > text ? 1 : 0);
  };
}
